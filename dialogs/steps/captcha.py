"""验证码: a picture, or a sum for people who cannot see it. It comes after the name in look-ups, else before."""

from __future__ import annotations

from typing import ClassVar

from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.lookup import stopped_for, without_whom, wrong_code
from dialogs.steps.strangers import count_met, count_miss, limit_reached, needs_code_first
from dialogs.terms.spoken import spoken_code
from dialogs.texts import say
from dialogs.world import Guess, World

OTHER_WORDS = ("换种", "换个方式", "看不清", "看不到", "看不见", "没收到", "没有图")


class _Code(Step):
    """The code of one riddle. Known apart from what it gives is `riddle`: which one, for whom; never its answer."""

    acts = ("another", "picture", "sum")
    typed = True
    asking: ClassVar[tuple[str, str]]  # the texts for a picture and for a sum

    def proved(self, known: Knowledge, world: World) -> Answer:
        """What follows once the code is right, or where none is needed."""
        raise NotImplementedError

    def shown(self, known: Knowledge, world: World) -> Answer:
        """The riddle as it is shown."""
        if not (riddle := _riddle(known)):
            return _posed(known, world, picture=True)
        if question := world.captchas.question(riddle):
            other = Option(say("captcha.picture"), act="picture", numbered=False, also=("换一种", "图片"))
            return Ask(say(self.asking[1], sum=question), [_another("captcha.another_sum"), other])
        other = Option(say("captcha.sum"), act="sum", numbered=False, also=OTHER_WORDS)
        return Ask(say(self.asking[0]), [_another("captcha.another"), other])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """An answer to the riddle; a wrong one counts."""
        insured, riddle = str(known["insured"]), _riddle(known)
        if stopped := stopped_for(world, insured):
            return stopped
        guess = world.captchas.guess(riddle, spoken_code(said.text)) if riddle else Guess.EXPIRED
        if guess is Guess.RIGHT:  # not `Known`: once confirmed it is not asked again, so 返回 goes to the name
            proved = self.proved(known, world)
            return Go("", {**known, **proved.values}) if isinstance(proved, Known) else proved
        if guess is Guess.EXPIRED:
            return _posed(known, world, picture=not world.captchas.question(riddle), text=say("captcha.expired"))
        if guess is Guess.UNREADABLE:
            return Wrong(say("captcha.wrong"))
        return wrong_code(world) or Wrong(say("captcha.differs"))

    def on_another(self, known: Knowledge, world: World) -> Answer:
        """换一张, 换一题: another of the same kind."""
        return _posed(known, world, picture=not world.captchas.question(_riddle(known)))

    def on_picture(self, known: Knowledge, world: World) -> Answer:
        """A picture instead of the sum."""
        return _posed(known, world, picture=True)

    def on_sum(self, known: Knowledge, world: World) -> Answer:
        """换一种: a sum instead of the picture."""
        return _posed(known, world, picture=False)


class Captcha(_Code):
    """The code of a look-up: only after it is told whether number and name fit."""

    name = "captcha"
    needs = ("insured", "number", "name", "fits")
    gives = ("checked",)
    asking = ("captcha.ask", "captcha.ask_sum")

    def ask(self, known: Knowledge, world: World) -> Answer:
        insured = str(known["insured"])
        if world.captchas.acquainted(world.payer, insured):
            return self.proved(known, world)
        return stopped_for(world, insured) or self.shown(known, world)

    def proved(self, known: Knowledge, world: World) -> Answer:
        """Whether number and name fit; an unknown number and another name are told in the same words."""
        insured = str(known["insured"])
        if end := limit_reached(world, insured):
            return end
        if known["fits"]:
            count_met(world, insured)
            world.captchas.confirm(world.payer, insured)
            return Known({"checked": True})
        if end := count_miss(world, insured):
            return end
        again = without_whom(known) | {"insured": insured, "number": known["number"]}
        return Go("", again, say("lookup_name.differs"))


class CodeFirst(_Code):
    """A code before the name is compared, where many names were tried for this number and the citizen is not known."""

    name = "code_first"
    needs = ("insured", "number")
    gives = ("code_given",)
    asking = ("code_first.ask", "code_first.ask_sum")

    def ask(self, known: Knowledge, world: World) -> Answer:
        insured = str(known["insured"])
        if "name" in known or not needs_code_first(world, insured):
            return Known({"code_given": False})
        return stopped_for(world, insured) or self.shown(known, world)

    def proved(self, known: Knowledge, world: World) -> Answer:
        """The name is asked for next."""
        return Known({"code_given": True})


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
