package listing

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Reason is why an address is listed: a number 2–254, which is also the last
// octet of the DNS answer (127.0.0.N). Numbers are append-only. They are
// numbers, not bits of a mask (RFC 5782, section 2.3).
type Reason uint8

// The built-in reasons. The catalogue says all about them.
const (
	BareIP        Reason = 2
	OurIP         Reason = 3
	RcptName      Reason = 4
	OurName       Reason = 5
	ForgedLiteral Reason = 6
	Rotating      Reason = 7
	Localhost     Reason = 8
	Malformed     Reason = 9
	NoReverse     Reason = 12
	Unconfirmed   Reason = 13
	RcptBogus     Reason = 14
	Manual        Reason = 20
	Network       Reason = 21
	Repeat        Reason = 22
	Imported      Reason = 23
)

// Basis is what a reason rests on.
type Basis string

// Bases of reasons.
const (
	BasisHELO  Basis = "helo"  // how the address greets
	BasisRDNS  Basis = "rdns"  // its reverse DNS
	BasisRcpt  Basis = "rcpt"  // the recipients that it writes to
	BasisOther Basis = "other" // the word of an operator or of a feed, or other listings
)

// Needs are what a letter has to name when it upholds a listing, beside when
// the listing began and ends.
type Needs struct {
	Greeting bool // as it came
	Time     bool // of a session, or of the look into DNS
	Receiver bool // the server that saw it
	Sessions bool // their number
	Source   bool // the imported list
}

// greetingNeeds is what a listing for a greeting takes.
var greetingNeeds = Needs{Greeting: true, Time: true, Receiver: true, Sessions: true}

// Needs are what a reason takes, if its line in the catalogue does
// not say otherwise.
func (b Basis) Needs() Needs {
	switch b {
	case BasisHELO:
		return greetingNeeds
	case BasisRDNS:
		return Needs{Time: true}
	case BasisRcpt:
		return Needs{Sessions: true}
	}
	return Needs{}
}

// SelfDelist is who may end an entry of a reason without an operator.
type SelfDelist string

// Answers to the question whether the sender may delist.
const (
	SelfYes   SelfDelist = "yes"        // the sender, whenever the rules allow it
	SelfTwice SelfDelist = "twice"      // the sender twice, from the third time support
	SelfProof SelfDelist = "proof"      // the sender once in 30 days, then with proof
	SelfFixed SelfDelist = "when-fixed" // at once when what was seen is seen no more
	SelfNo    SelfDelist = "no"
)

// ReasonInfo is one line of the catalogue. From it come DNS TXT records, pages,
// letters, the output of `blctl reasons` and the manual. Its JSON form is hashed
// to tell whether what zones say has changed.
type ReasonInfo struct {
	Code       Reason     `json:"code"`
	Symbol     string     `json:"symbol"`      // "helo-bare-ip"
	Text       string     `json:"text"`        // what follows the address in TXT
	Published  bool       `json:"published"`   // answered in zones that name no reasons of their own
	Base       Life       `json:"base"`        // life at level 1; 0: given by hand or by the source
	Longest    Life       `json:"longest"`     // cap on every life
	Repeat     int        `json:"repeat"`      // factor on the life per level; 1: none
	TwoPersons bool       `json:"two_persons"` // one proposes, another approves
	SelfDelist SelfDelist `json:"self_delist"`
	Rank       int        `json:"rank"` // answers come in rising rank, then by code

	Basis       Basis  `json:"-"`
	Needs       Needs  `json:"-"`
	Counted     bool   `json:"-"` // sessions are counted for it: what is seen extends a listing
	Title       string `json:"-"` // of its block in a letter; empty: Text
	Explanation string `json:"-"` // what it means to somebody who runs a mail server; empty: no more than Text
}

// AnsweredBy reports whether a zone answers the reason that names these; one
// that names none answers what is published.
func (i ReasonInfo) AnsweredBy(named []Reason) bool {
	return slices.Contains(named, i.Code) || (len(named) == 0 && i.Published)
}

// complete is what TXT says of an entry with an operator's public note: the note
// completes the sentence of the reason. Feeds bring whole texts of their own.
func (i ReasonInfo) complete(note string) string {
	if note == "" {
		return ""
	}
	return i.Text + ": " + note
}

// Note is the operator's part of a public text, for pages and letters that say the
// rest themselves.
func (i ReasonInfo) Note(public string) string { return strings.TrimPrefix(public, i.Text+": ") }

// LifeAt is the life of an entry at a level: base × repeat^(level−1), capped.
func (i ReasonInfo) LifeAt(level int) Life { return lifeAt(i.Base, i.Longest, i.Repeat, level) }

func lifeAt(base, longest Life, repeat, level int) Life {
	life := base
	for n := 1; n < level && life < longest; n++ {
		life *= Life(max(repeat, 1))
	}
	return min(life, longest)
}

// Reasons is a catalogue of reasons. It is immutable.
type Reasons struct {
	byCode   [256]*ReasonInfo
	bySymbol map[string]*ReasonInfo
	ordered  []ReasonInfo // strongest first
}

// NewReasons checks a list of reasons and makes it a catalogue.
func NewReasons(infos []ReasonInfo) (*Reasons, error) {
	c := &Reasons{bySymbol: map[string]*ReasonInfo{}, ordered: slices.Clone(infos)}
	slices.SortFunc(c.ordered, func(a, b ReasonInfo) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Code, b.Code))
	})
	for n := range c.ordered {
		i := &c.ordered[n]
		if err := i.validate(); err != nil {
			return nil, err
		}
		if c.byCode[i.Code] != nil || c.bySymbol[i.Symbol] != nil {
			return nil, fmt.Errorf("reason %d %s: its number or symbol is taken", i.Code, Quote(i.Symbol))
		}
		c.byCode[i.Code], c.bySymbol[i.Symbol] = i, i
	}
	return c, nil
}

// validate finds every mistake in one line of the catalogue.
func (i ReasonInfo) validate() error {
	const longestText, longestExplanation = 120, 500 // octets
	bases := []Basis{"", BasisHELO, BasisRDNS, BasisRcpt, BasisOther}
	var wrong Mistakes
	wrong.Unless(i.Code >= 2 && i.Code <= 254, "reason %d: a number is from 2 to 254", i.Code)
	wrong.Unless(i.Code != 10 && i.Code != 11, "reason %d: 10 and 11 are read as dynamic-address lists and stay unused", i.Code)
	wrong.Unless(isSymbol(i.Symbol), "reason %d: symbol %s: use lower-case letters, digits and hyphens", i.Code, Quote(i.Symbol))
	wrong.Unless(i.Text != "" && len(i.Text) <= longestText && Printable(i.Text) == i.Text,
		"reason %s: its text must be 1 to %d printable ASCII characters", i.Symbol, longestText)
	wrong.Unless(i.Longest > 0 && i.Base <= i.Longest, "reason %s: its longest life must be positive and no shorter than its base", i.Symbol)
	wrong.Unless(i.Repeat >= 1 && i.Repeat <= 10, "reason %s: the repeat factor must be from 1 to 10", i.Symbol)
	wrong.Unless(slices.Contains(bases, i.Basis), "reason %s: its kind must be helo, rdns, rcpt or other", i.Symbol)
	wrong.Unless(len(i.Explanation) <= longestExplanation && Printable(i.Explanation) == i.Explanation,
		"reason %s: its explanation must be at most %d printable ASCII characters", i.Symbol, longestExplanation)
	return wrong.Err()
}

func isSymbol(s string) bool {
	if s == "" || len(s) > 40 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// All lists the catalogue, strongest reason first.
func (c *Reasons) All() []ReasonInfo { return c.ordered }

// Info finds a reason by its number.
func (c *Reasons) Info(r Reason) (ReasonInfo, bool) {
	if i := c.byCode[r]; i != nil {
		return *i, true
	}
	return ReasonInfo{}, false
}

// Describe is Info that finds something to say also of a reason that is in no
// catalogue. Such a reason comes after all others.
func (c *Reasons) Describe(r Reason) ReasonInfo {
	if i, known := c.Info(r); known {
		return i
	}
	return ReasonInfo{Code: r, Symbol: "reason-" + strconv.Itoa(int(r)), Text: "is listed", Rank: math.MaxInt, Basis: BasisOther}
}

// Compare orders reasons as answers do, strongest first.
func (c *Reasons) Compare(a, b Reason) int {
	rank := func(r Reason) int {
		if i := c.byCode[r]; i != nil {
			return i.Rank
		}
		return math.MaxInt
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// Symbol names a reason, one that is in no catalogue by its number.
func (c *Reasons) Symbol(r Reason) string { return c.Describe(r).Symbol }

// Find reads a reason as operators write it: its symbol, its number, or the
// address it is answered with.
func (c *Reasons) Find(text string) (ReasonInfo, error) {
	if i, ok := c.bySymbol[text]; ok {
		return *i, nil
	}
	number := strings.TrimPrefix(text, "127.0.0.")
	if n, err := strconv.ParseUint(number, 10, 8); err == nil && c.byCode[n] != nil {
		return *c.byCode[n], nil
	}
	err := &Error{Kind: ErrInvalid, Code: "unknown-reason", Message: fmt.Sprintf("%s is not a reason", Quote(text))}
	if like := Nearest(text, slices.Sorted(maps.Keys(c.bySymbol))); like != "" {
		err.Names = map[string]string{"LIKE": like}
	}
	return ReasonInfo{}, err
}
