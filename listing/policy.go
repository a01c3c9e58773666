package listing

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Policy is what may be listed, how widely, and for how long. Its zero value
// is not useful: start from DefaultPolicy.
type Policy struct {
	WidestV4   int         `toml:"widest_v4"` // shortest prefix length an import may list
	WidestV6   int         `toml:"widest_v6"`
	HandV4     int         `toml:"hand_v4"` // shortest that one operator may list by hand, with --force and a note
	HandV6     int         `toml:"hand_v6"`
	Longest    Life        `toml:"longest"`        // no entry lives longer
	Exception  Life        `toml:"exception"`      // life of an exception that nobody gave a life
	SelfExcept Life        `toml:"self_exception"` // life of an exception that a sender made for himself
	MaxChanges int         `toml:"max_changes"`    // entries one command may change without --max-changes
	Never      []Protected `toml:"-"`              // beside the special ranges: this list's own servers
	Canaries   []Subject   `toml:"-"`              // whose listing is a sign of a mistake
}

// Protected is a prefix that is never listed, and why.
type Protected struct {
	Subject Subject
	Why     string // "is one of our own servers"
}

// DefaultPolicy is the policy without configuration.
func DefaultPolicy() Policy {
	return Policy{WidestV4: 17, WidestV6: 33, HandV4: 24, HandV6: 48,
		Longest: Life(90 * Day), Exception: Life(90 * Day), SelfExcept: Life(7 * Day), MaxChanges: 100}
}

// Limits of the policy that no configuration moves: wider than this is never
// listed by anybody, and a second person can approve no more.
const (
	widestEverV4 = 8
	widestEverV6 = 19
	approvedV4   = 17
	approvedV6   = 33
)

// Validate finds every mistake.
func (p Policy) Validate() error {
	var wrong Mistakes
	wrong.Unless(p.WidestV4 >= widestEverV4 && p.WidestV4 <= 32, "widest_v4 = %d: from %d to 32", p.WidestV4, widestEverV4)
	wrong.Unless(p.WidestV6 >= widestEverV6 && p.WidestV6 <= 128, "widest_v6 = %d: from %d to 128", p.WidestV6, widestEverV6)
	wrong.Unless(p.HandV4 >= approvedV4 && p.HandV4 <= 32, "hand_v4 = %d: from %d to 32", p.HandV4, approvedV4)
	wrong.Unless(p.HandV6 >= approvedV6 && p.HandV6 <= 128, "hand_v6 = %d: from %d to 128", p.HandV6, approvedV6)
	wrong.Unless(p.Longest > 0 && p.Longest <= Life(366*Day), "longest = %s: from 1s to 366d", p.Longest)
	wrong.Unless(p.Exception > 0 && p.Exception <= p.Longest, "exception = %s: from 1s to %s", p.Exception, p.Longest)
	wrong.Unless(p.SelfExcept > 0 && p.SelfExcept <= p.Longest, "self_exception = %s: from 1s to %s", p.SelfExcept, p.Longest)
	wrong.Unless(p.MaxChanges > 0, "max_changes = %d: at least 1", p.MaxChanges)
	return wrong.Err()
}

// special are the ranges that are never listed because nobody on the Internet
// has them as an address (RFC 6890 and the registries it made), with NAT64
// (RFC 6052, RFC 8215), behind which are many.
var special = []Protected{
	protect("0.0.0.0/8", "is “this network”"), protect("10.0.0.0/8", "is private"),
	protect("100.64.0.0/10", "is carrier-grade NAT"), protect("127.0.0.0/8", "is loopback"),
	protect("169.254.0.0/16", "is link-local"), protect("172.16.0.0/12", "is private"),
	protect("192.168.0.0/16", "is private"), protect("224.0.0.0/3", "is multicast or reserved"),
	protect("::/128", "is the unspecified address"), protect("::1/128", "is loopback"),
	protect("64:ff9b::/96", "is NAT64"), protect("64:ff9b:1::/48", "is NAT64"),
	protect("fc00::/7", "is private"), protect("fe80::/10", "is link-local"), protect("ff00::/8", "is multicast"),
}

func protect(prefix, why string) Protected {
	return Protected{Subject{netip.MustParsePrefix(prefix)}, why}
}

// NeverList are all prefixes that are never answered as listed, the operators'
// allow entries apart.
func (p Policy) NeverList() []Protected {
	return append(special[:len(special):len(special)], p.Never...)
}

// Protects tells why a subject may never be listed. A wider subject that only
// holds protected ones may be: they are hidden when asked for.
func (p Policy) Protects(s Subject) (Protected, bool) {
	for _, list := range [...][]Protected{special, p.Never} { // not NeverList: every line of an import comes by
		for n := range list {
			if list[n].Subject.Covers(s) {
				return list[n], true
			}
		}
	}
	return Protected{}, false
}

// Canary finds a canary that a subject touches.
func (p Policy) Canary(s Subject) (Subject, bool) {
	n := slices.IndexFunc(p.Canaries, func(c Subject) bool { return c.IsValid() && s.IsValid() && c.Overlaps(s.Prefix) })
	if n < 0 {
		return Subject{}, false
	}
	return p.Canaries[n], true
}

func (p Policy) checkNever(s Subject) error {
	never, protected := p.Protects(s)
	if !protected {
		return nil
	}
	return &Error{Kind: ErrPolicy, Code: "never-list",
		Message: fmt.Sprintf("%s is never listed: %s %s", s.Text(), never.Subject.Text(), never.Why),
		Hint:    "check the address; senders on the Internet do not have it"}
}

func canaryRefused(s, canary Subject, because, hint string) error {
	return &Error{Kind: ErrPolicy, Code: "canary", Message: fmt.Sprintf("%s would list the canary %s%s", s.Text(), canary.Text(), because), Hint: hint}
}

func byFamily(s Subject, v4, v6 int) int {
	if s.Addr().Is4() {
		return v4
	}
	return v6
}

// CheckImport says whether a feed may list a subject. Code "never-list" means
// that the line is to be skipped and counted.
func (p Policy) CheckImport(s Subject) error {
	if err := p.checkNever(s); err != nil {
		return err
	}
	if canary, ok := p.Canary(s); ok {
		return canaryRefused(s, canary, ": something is wrong with the file", "look at where the line comes from; canaries are in [policy] of the configuration")
	}
	return p.checkImportWidth(s)
}

func (p Policy) checkImportWidth(s Subject) error {
	if widest := byFamily(s, p.WidestV4, p.WidestV6); s.Bits() < widest {
		return &Error{Kind: ErrPolicy, Code: "too-broad",
			Message: fmt.Sprintf("%s is wider than an import may list, which is /%d", s, widest),
			Hint:    "take the line out, or raise widest_v4 or widest_v6 in [policy]"}
	}
	return nil
}

// checkHand says whether one operator may list a subject by himself, or with
// a second person's approval.
func (p Policy) checkHand(s Subject, force bool, note string, approvedBySecond bool) error {
	if err := p.checkNever(s); err != nil {
		return err
	}
	if canary, ok := p.Canary(s); ok && (!force || note == "") {
		return canaryRefused(s, canary, "", "check the address; if it must be, repeat with --force and --note saying why")
	}
	return p.checkWidth(s, force && note != "", approvedBySecond,
		widthWords{"list", "most of which nobody has seen", "list the addresses that were seen", nil})
}

// checkAllow says the same of an allow entry: one that is too wide would switch a
// part of the list off, or all of it. What is never listed anyway, and a canary,
// may be allowed.
func (p Policy) checkAllow(s Subject, force bool, note string, approvedBySecond bool) error {
	return p.checkWidth(s, force && note != "", approvedBySecond,
		widthWords{"allow", "none of which would be answered as listed", "allow the addresses that are meant", map[string]string{"ALLOW": s.Text()}})
}

// widthWords are the words about a range that is refused.
type widthWords struct {
	verb, what, instead string
	names               map[string]string // of the error
}

// checkWidth bounds by-hand ranges: one operator may with force, a second person
// may more, and beyond that nobody.
func (p Policy) checkWidth(s Subject, forced, approvedBySecond bool, say widthWords) error {
	hand, approved := byFamily(s, p.HandV4, p.HandV6), byFamily(s, approvedV4, approvedV6)
	switch {
	case s.IsHost():
		return nil
	case s.Bits() < approved:
		return &Error{Kind: ErrPolicy, Code: "too-broad",
			Message: fmt.Sprintf("%s is wider than anybody may %s by hand, which is /%d", s, say.verb, approved), Hint: say.instead}
	case s.Bits() < hand && !approvedBySecond:
		return &Error{Kind: ErrPolicy, Code: "two-persons",
			Message: fmt.Sprintf("%s is wider than one operator may %s, which is /%d", s, say.verb, hand), Names: say.names}
	case !forced:
		return &Error{Kind: ErrPolicy, Code: "range",
			Message: fmt.Sprintf("%s holds %.0f addresses, %s", s, s.Addresses(), say.what),
			Hint:    say.instead + ", or repeat with --force and --note saying why"}
	}
	return nil
}

// checkEnd refuses an end that is past, or too far away for the reason.
func (p Policy) checkEnd(i ReasonInfo, until, now time.Time) error {
	longest := min(i.Longest, p.Longest)
	switch left := until.Sub(now); {
	case left <= 0:
		return &Error{Kind: ErrInvalid, Code: "past",
			Message: fmt.Sprintf("%s is in the past", until.Format(time.RFC3339))}
	case left > longest.Duration()+time.Second:
		return &Error{Kind: ErrPolicy, Code: "life-over-cap",
			Message: fmt.Sprintf("%s is longer than an entry for %s may live, which is %s", Life(left.Round(time.Second)), i.Symbol, longest),
			Hint:    "give --for " + longest.String() + " or less; nothing is listed for ever"}
	}
	return nil
}
