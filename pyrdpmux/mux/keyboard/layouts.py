# ruff: noqa: RUF001 (characters that look alike are what this is about)
"""The keyboard layouts of guests, by the name that people know them under.

Written down from what is printed on the keys and what Windows makes of them; Linux differs in corners, mostly
with AltGr. Each row begins at the left: 13 keys with the digits, 12, 12 (the last is beside Enter, or above
it), 11 (the first is beside the left Shift, which US keyboards do not have). See :class:`Layout`.
"""

from typing import Final

from pyrdpmux.mux.keyboard.layout import SPACING, Layout

GRAVE, ACUTE, HAT, TILDE, UMLAUT = "\u0300", "\u0301", "\u0302", "\u0303", "\u0308"
RO, YEN = 0x73, 0x7D

_NOTHING = " " * 12

US = Layout(
    ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", " zxcvbnm,./"],
    ["~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', " ZXCVBNM<>?"],
)

US_INTERNATIONAL = Layout(
    [f"{GRAVE}1234567890-=", "qwertyuiop[]", f"asdfghjkl;{ACUTE}\\", " zxcvbnm,./"],
    [f"{TILDE}!@#$%{HAT}&*()_+", "QWERTYUIOP{}", f"ASDFGHJKL:{UMLAUT}|", " ZXCVBNM<>?"],
    [" ¡²³¤€¼½¾‘’¥×", "äåé®þüúíóö«»", "áßð     ø¶´¬", " æ ©  ñµç ¿"],
    [" ¹  £      ÷ ", "ÄÅÉ ÞÜÚÍÓÖ  ", "Á§Ð     Ø°¨¦", " Æ ¢  Ñ Ç  "],
    spacing={**SPACING, ACUTE: "'", UMLAUT: '"'},
)

UK = Layout(
    ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"],
    ['¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"],
    ["¦   €        ", "  é   úíó   ", "á           "],
    ["             ", "  É   ÚÍÓ   ", "Á           "],
)

GERMAN = Layout(
    [f"{HAT}1234567890ß{ACUTE}", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"],
    [f'°!"§$%&/()=?{GRAVE}', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"],
    ["  ²³   {[]}\\ ", "@ €        ~", _NOTHING, "|      µ   "],
    ["           ẞ "],
)

SWISS = Layout(
    [f"§1234567890'{HAT}", f"qwertzuiopü{UMLAUT}", "asdfghjklöä$", "<yxcvbnm,.-"],
    [f'°+"*ç%&/()=?{GRAVE}', "QWERTZUIOPè!", "ASDFGHJKLéà£", ">YXCVBNM;:_"],
    [f" ¦@#°§¬|¢  {ACUTE}{TILDE}", "  €       []", "          {}", "\\          "],
)

FRENCH = Layout(
    ["²&é\"'(-è_çà)=", f"azertyuiop{HAT}$", "qsdfghjklmù*", "<wxcvbn,;:!"],
    [" 1234567890°+", f"AZERTYUIOP{UMLAUT}£", "QSDFGHJKLM%µ", ">WXCVBN?./§"],
    [f"  {TILDE}#{{[|{GRAVE}\\^@]}}", "  €        ¤"],
)

SPANISH = Layout(
    ["º1234567890'¡", f"qwertyuiop{GRAVE}+", f"asdfghjklñ{ACUTE}ç", "<zxcvbnm,.-"],
    ['ª!"·$%&/()=?¿', f"QWERTYUIOP{HAT}*", f"ASDFGHJKLÑ{UMLAUT}Ç", ">ZXCVBNM;:_"],
    [f"\\|@#{TILDE} ¬      ", "  €       []", "          {}"],
)

ITALIAN = Layout(
    ["\\1234567890'ì", "qwertyuiopè+", "asdfghjklòàù", "<zxcvbnm,.-"],
    ['|!"£$%&/()=?^', "QWERTYUIOPé*", "ASDFGHJKLç°§", ">ZXCVBNM;:_"],
    ["           `~", "  €       []", "         @# "],
    ["             ", "          {}"],
)

SWEDISH = Layout(
    [f"§1234567890+{ACUTE}", f"qwertyuiopå{UMLAUT}", "asdfghjklöä'", "<zxcvbnm,.-"],
    [f'½!"#¤%&/()=?{GRAVE}', f"QWERTYUIOPÅ{HAT}", "ASDFGHJKLÖÄ*", ">ZXCVBNM;:_"],
    ["  @£$  {[]}\\ ", f"  €        {TILDE}", _NOTHING, "|      µ   "],
)

NORWEGIAN = Layout(
    ["|1234567890+\\", f"qwertyuiopå{UMLAUT}", "asdfghjkløæ'", "<zxcvbnm,.-"],
    [f'§!"#¤%&/()=?{GRAVE}', f"QWERTYUIOPÅ{HAT}", "ASDFGHJKLØÆ*", ">ZXCVBNM;:_"],
    [f"  @£$  {{[]}} {ACUTE}", f"  €        {TILDE}", _NOTHING, "       µ   "],
)

DANISH = Layout(
    [f"½1234567890+{ACUTE}", f"qwertyuiopå{UMLAUT}", "asdfghjklæø'", "<zxcvbnm,.-"],
    [f'§!"#¤%&/()=?{GRAVE}', f"QWERTYUIOPÅ{HAT}", "ASDFGHJKLÆØ*", ">ZXCVBNM;:_"],
    ["  @£$  {[]} |", f"  €        {TILDE}", _NOTHING, "\\      µ   "],
)

PORTUGUESE = Layout(
    ["\\1234567890'«", f"qwertyuiop+{ACUTE}", f"asdfghjklçº{TILDE}", "<zxcvbnm,.-"],
    ['|!"#$%&/()=?»', f"QWERTYUIOP*{GRAVE}", f"ASDFGHJKLÇª{HAT}", ">ZXCVBNM;:_"],
    ["  @£§  {[]}  ", f"  €       {UMLAUT} "],
)

BRAZILIAN = Layout(
    ["'1234567890-=", f"qwertyuiop{ACUTE}[", f"asdfghjklç{TILDE}]", "\\zxcvbnm,.;"],
    [f'"!@#$%{UMLAUT}&*()_+', f"QWERTYUIOP{GRAVE}{{", f"ASDFGHJKLÇ{HAT}}}", "|ZXCVBNM<>:"],
    [" ¹²³£¢¬     §", "  °        ª", "           º"],
    more={RO: "/?"},
)

POLISH = Layout(
    ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", " zxcvbnm,./"],
    [f"{TILDE}!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', " ZXCVBNM<>?"],
    ["             ", "  ę   € ó   ", "ąś      ł   ", " żźć  ń    "],
    ["             ", "  Ę     Ó   ", "ĄŚ      Ł   ", " ŻŹĆ  Ń    "],
)

JAPANESE = Layout(
    [" 1234567890-^", "qwertyuiop@[", "asdfghjkl;:]", " zxcvbnm,./"],
    [" !\"#$%&'() =~", "QWERTYUIOP`{", "ASDFGHJKL+*}", " ZXCVBNM<>?"],
    more={RO: "\\_", YEN: "¥|"},
)

RUSSIAN = Layout(
    ["ё1234567890-=", "йцукенгшщзхъ", "фывапролджэ\\", " ячсмитьбю."],
    ['Ё!"№;%:?*()_+', "ЙЦУКЕНГШЩЗХЪ", "ФЫВАПРОЛДЖЭ/", " ЯЧСМИТЬБЮ,"],
    ["        ₽    "],
)

LAYOUTS: Final = {
    "us": US,
    "us-intl": US_INTERNATIONAL,
    "uk": UK,
    "de": GERMAN,
    "at": GERMAN,
    "ch": SWISS,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "se": SWEDISH,
    "fi": SWEDISH,
    "no": NORWEGIAN,
    "dk": DANISH,
    "pt": PORTUGUESE,
    "br": BRAZILIAN,
    "pl": POLISH,
    "jp": JAPANESE,
    "kr": US,
    "ru": RUSSIAN,
}
