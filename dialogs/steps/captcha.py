"""验证码: a picture, or a sum for whoever cannot see it. Only after it is told whether number and name fit."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.lookup import missed, stopped_for, without_whom
from dialogs.terms.spoken import spoken_code
from dialogs.texts import say
from dialogs.world import Guess, World

OTHER_WORDS = ("换种", "换个方式", "看不清", "看不到", "看不见", "没收到", "没有图")


class Captcha(Step):
    """The code of one riddle. Known apart from what it gives is `riddle`: which one, for whom; never its answer."""

    name = "captcha"
    needs = ("insured", "number", "name", "fits")
    gives = ("checked",)
    acts = ("another", "picture", "sum")
    typed = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        insured = str(known["insured"])
        if stopped := stopped_for(world, insured):
            return stopped
        if world.captchas.acquainted(world.payer, insured):
            return _told(known, world)
        riddle = _riddle(known)
        if not riddle:
            return _posed(known, world, picture=True)
        if question := world.captchas.question(riddle):
            other = Option(say("captcha.picture"), act="picture", numbered=False, also=("换一种", "图片"))
            return Ask(say("captcha.ask_sum", sum=question), [_another("captcha.another_sum"), other])
        other = Option(say("captcha.sum"), act="sum", numbered=False, also=OTHER_WORDS)
        return Ask(say("captcha.ask"), [_another("captcha.another"), other])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """An answer to the riddle; a wrong one counts."""
        insured, riddle = str(known["insured"]), _riddle(known)
        if stopped := stopped_for(world, insured):
            return stopped
        guess = world.captchas.guess(riddle, spoken_code(said.text)) if riddle else Guess.EXPIRED
        if guess is Guess.RIGHT:  # not `Known`: once confirmed it is not asked again, so 返回 goes to the name
            told = _told(known, world)
            return Go("", {**known, **told.values}) if isinstance(told, Known) else told
        if guess is Guess.EXPIRED:
            return _posed(known, world, picture=not world.captchas.question(riddle), text=say("captcha.expired"))
        if guess is Guess.UNREADABLE:
            return Wrong(say("captcha.wrong"))
        return missed(world, insured) or Wrong(say("captcha.differs"))

    def on_another(self, known: Knowledge, world: World) -> Answer:
        """换一张, 换一题: another of the same kind."""
        return _posed(known, world, picture=not world.captchas.question(_riddle(known)))

    def on_picture(self, known: Knowledge, world: World) -> Answer:
        """A picture instead of the sum."""
        return _posed(known, world, picture=True)

    def on_sum(self, known: Knowledge, world: World) -> Answer:
        """换一种: a sum instead of the picture."""
        return _posed(known, world, picture=False)


def _told(known: Knowledge, world: World) -> Answer:
    """Whether number and name fit; an unknown number and another name are told in the same words."""
    insured = str(known["insured"])
    if known["fits"]:
        world.captchas.confirm(world.payer, insured)
        return Known({"checked": True})
    if end := missed(world, insured):
        return end
    again = without_whom(known) | {"insured": insured, "number": known["number"]}
    return Go("", again, say("lookup_name.differs"))


def _posed(known: Knowledge, world: World, *, picture: bool, text: str = "") -> Answer:
    """A new riddle, for this insured only."""
    riddle = world.captchas.pose(world.payer, picture=picture)
    posed: dict[str, Json] = {"riddle": {"which": riddle, "of": known["insured"]}}
    return Go("", {**known, **posed}, text)


def _riddle(known: Knowledge) -> str:
    """The riddle that was posed for this insured; "" for none."""
    posed = known.get("riddle")
    return str(posed["which"]) if isinstance(posed, dict) and posed["of"] == known["insured"] else ""


def _another(key: str) -> Option:
    return Option(say(key), act="another", numbered=False, also=("再来一张", "换一个", "换一张", "换一题"))
