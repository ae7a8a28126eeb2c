"""Every service as a list of steps, and the menu. Reading this file is reading the product."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.step import Flow, Service
from dialogs.steps.assessed import Assessed
from dialogs.steps.captcha import Captcha, CodeFirst
from dialogs.steps.certificate_issued import CertificateIssued
from dialogs.steps.certificate_payments import CertificatePayments, InsuredsPayments
from dialogs.steps.certificate_verify import CertificateCode, CertificateNumber
from dialogs.steps.checkout import Checkout
from dialogs.steps.confirm import Confirm
from dialogs.steps.consent import Consent, ConsentWithdrawal
from dialogs.steps.contact_changed import ContactKept, ContactRelation, ContactSure
from dialogs.steps.contacts import Contacts
from dialogs.steps.document import Document
from dialogs.steps.enrolled import Enrolled
from dialogs.steps.enrolments import Enrolments
from dialogs.steps.family_confirm import FamilyConfirm
from dialogs.steps.family_lines import FamilyLines
from dialogs.steps.family_members import FamilyMembers
from dialogs.steps.family_pension import FamilyPensioner, FamilyTier
from dialogs.steps.family_places import FamilyPlaces
from dialogs.steps.insured import Insured
from dialogs.steps.lookup import LookupName, LookupNumber
from dialogs.steps.order_detail import OrderDetail
from dialogs.steps.orders import Orders
from dialogs.steps.payments import PaymentDetail, Payments, WhichInsurance
from dialogs.steps.services import Help, Services
from dialogs.steps.standard import Standard
from dialogs.steps.take_over import OtherOrder, TakeOver
from dialogs.steps.tier import Tier
from dialogs.terms.certificate import SCENE, is_certificate
from dialogs.terms.insurance import Insurance

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL

# 菜单: three groups, as the account shows them (design, section 11).
MENU: Mapping[str, tuple[str, ...]] = {
    "我要缴": ("pay.pension", "pay.pension_assessed", "pay.medical", "pay.medical_assessed", "pay.family"),
    "我要查": ("query.payments", "query.certificate", "query.enrolments", "certificate.verify"),
    "税费服务": ("home", "my.contacts", "my.orders", "help"),
}

PAY_PENSION = Flow(
    "养老保险费缴纳",
    Document(),
    CodeFirst(),
    Insured(),
    Enrolled(PENSION),
    Tier(),
    Confirm(PENSION, "pay.pension"),
    Checkout(),
)
PAY_PENSION_ASSESSED = Flow(
    "养老保险费缴纳（核定）",
    Document(),
    CodeFirst(),
    Insured(),
    Assessed(PENSION),
    Confirm(PENSION, "pay.pension_assessed"),
    Checkout(),
)
PAY_MEDICAL = Flow(
    "医疗保险费缴纳",
    Document(),
    CodeFirst(),
    Insured(),
    Enrolled(MEDICAL),
    Standard(),
    Confirm(MEDICAL, "pay.medical"),
    Checkout(),
)
PAY_MEDICAL_ASSESSED = Flow(
    "医疗保险费缴纳（核定）",
    Document(),
    CodeFirst(),
    Insured(),
    Assessed(MEDICAL),
    Confirm(MEDICAL, "pay.medical_assessed"),
    Checkout(),
)
PAY_TAKE_OVER = Flow("我来缴", OtherOrder(), Consent(), LookupNumber(), LookupName(), Captcha(), TakeOver())
PAY_FAMILY = Flow(
    "一家一起缴",
    Consent(),
    FamilyMembers(),
    FamilyPensioner(),
    FamilyPlaces(),
    FamilyTier(),
    FamilyLines(),
    FamilyConfirm(),
    Checkout(),
)
MY_CONTACTS = Flow(
    "常用联系人",
    Contacts(),
    Document(offering=False),
    CodeFirst(),
    Insured(),
    ContactRelation(),
    ContactSure(),
    ContactKept(),
)
MY_ORDERS = Flow("我的订单", Orders(), Checkout())
MY_ORDER = Flow("缴费单详情", Orders(), OrderDetail())
HOME = Flow("全部服务", Services([key for keys in MENU.values() for key in keys if key != "home"]))
HELP = Flow("帮助", Help())
QUERY_PAYMENTS = Flow(
    "缴费查询",
    WhichInsurance(),
    Consent(),
    LookupNumber(),
    LookupName(),
    Captcha(),
    Payments(),
    PaymentDetail(),
)
QUERY_ENROLMENTS = Flow("参保信息", Consent(), LookupNumber(), LookupName(), Captcha(), Enrolments())
MY_CONSENT = Flow("撤回同意", ConsentWithdrawal())
CERTIFICATE = Flow("缴费证明", CertificatePayments(), CertificateIssued())
CERTIFICATE_OF = Flow(
    "缴费证明（查出来开）",
    Consent(),
    LookupNumber(),
    LookupName(),
    Captcha(),
    InsuredsPayments(),
    CertificateIssued(),
)
CERTIFICATE_VERIFY = Flow("证明查验", CertificateNumber(), CertificateCode())

SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (
        Service("pay.pension", PAY_PENSION, words=(("养老",), ("社保",))),
        Service(
            "pay.pension_assessed", PAY_PENSION_ASSESSED, words=(("养老", "核定"), ("养老", "补缴"), ("养老", "补交"))
        ),
        Service("pay.medical", PAY_MEDICAL, words=(("医保",), ("医疗",), ("合作医疗",), ("新农合",))),
        Service("pay.medical_assessed", PAY_MEDICAL_ASSESSED, words=(("医", "核定"), ("医", "补缴"), ("新生儿",))),
        Service("pay.take_over", PAY_TAKE_OVER),
        Service("pay.family", PAY_FAMILY, words=(("一家",), ("全家",), ("一起", "缴"), ("一起", "交"))),
        Service("query.payments", QUERY_PAYMENTS, words=(("查", "缴费"), ("查", "交费"), ("缴费", "记录"))),
        Service("query.enrolments", QUERY_ENROLMENTS, words=(("参保",), ("查", "养老"), ("查", "医"))),
        Service("my.consent", MY_CONSENT, words=(("撤回", "同意"), ("撤销", "同意"), ("取消", "同意"))),
        Service("query.certificate", CERTIFICATE, words=(("证明",),)),
        Service("query.certificate_of", CERTIFICATE_OF),
        Service(
            "certificate.verify",
            CERTIFICATE_VERIFY,
            words=(("查验",), ("证明", "真"), ("证明", "核对")),
            recognises=is_certificate,
            scene=SCENE,
        ),
        Service("home", HOME),
        Service("my.contacts", MY_CONTACTS, words=(("联系人",),)),
        Service("my.orders", MY_ORDERS, words=(("订单",), ("缴费单",), ("退款",), ("退费",), ("退", "钱"))),
        Service("my.order", MY_ORDER),
        Service("help", HELP, words=(("怎么",), ("帮我",), ("咨询",))),
    )
}
