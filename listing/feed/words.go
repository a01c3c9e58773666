package feed

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
)

// reasonOf finds the reason that a word of a file means.
func (o *Options) reasonOf(word string) (listing.Reason, error) {
	if word == "" {
		return o.unnamed()
	}
	if r, ok := o.Map[word]; ok {
		return r, nil
	}
	if code, ok := codeOf(word); ok {
		return o.value(code)
	}
	if o.Reasons != nil {
		if i, err := o.Reasons.Find(word); err == nil {
			return i.Code, nil
		}
	}
	return 0, complain("unknown-reason", "say which reason is meant, for example --map "+mapped(word)+"=imported",
		"%s is not a reason", listing.Quote(word))
}

// mapped is a word as it can stand in a hint.
func mapped(word string) string {
	if len(word) > 40 || listing.Printable(word) != word || strings.ContainsAny(word, " '\"\\$`") {
		return "WORD"
	}
	return word
}

// codeOf reads "4" and "127.0.0.4", the two ways to write an answer.
func codeOf(word string) (netip.Addr, bool) {
	if n, err := strconv.ParseUint(word, 10, 8); err == nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, byte(n)}), true
	}
	a, err := netip.ParseAddr(word)
	return a, err == nil && a.Is4()
}

// value finds the reason that an address value means.
func (o *Options) value(a netip.Addr) (listing.Reason, error) {
	if len(o.Map) > 0 {
		if r, ok := o.Map[a.String()]; ok {
			return r, nil
		}
	}
	if o.Reason != 0 {
		return o.Reason, nil
	}
	if b := a.As4(); o.Reasons != nil && b[0] == 127 && b[1] == 0 && b[2] == 0 {
		if i, ok := o.Reasons.Info(listing.Reason(b[3])); ok {
			return i.Code, nil
		}
	}
	return 0, complain("unknown-reason", "say which reason it means, for example --map "+a.String()+"=imported, or give --reason",
		"the value %s is none of this list's own reasons", a)
}

func (o *Options) unnamed() (listing.Reason, error) {
	if o.Reason == 0 {
		return 0, complain("no-reason", "give --reason", "the line names no reason")
	}
	return o.Reason, nil
}

// parseUntil reads when an entry ends. What is said to last for ever, or for
// generations, ends with its source.
func parseUntil(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	const first, forEver = 1970, 2100
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC().Truncate(time.Second)
	switch {
	case err != nil || t.Year() < first:
		return time.Time{}, complain("bad-time", "write it like 2026-12-31T12:00:00Z", "%s is not a time", listing.Quote(text))
	case t.Year() >= forEver:
		return time.Time{}, nil
	}
	return t, nil
}

// parseExcept reads a column that says whether an entry is an exception.
func parseExcept(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "", "false", "no", "0":
		return false, nil
	case "true", "yes", "1":
		return true, nil
	}
	return false, complain("bad-except", "write true or false", "%s does not say whether this is an exception", listing.Quote(text))
}

// publicText makes a text from a file fit to stand in a TXT record.
func publicText(text string) string {
	text = listing.Printable(strings.TrimSpace(text))
	if len(text) > listing.MaxTXT {
		text = strings.TrimRight(text[:listing.MaxTXT], ` \`)
	}
	return text
}

// noteText makes a text from a file fit to be shown to operators.
func noteText(text string) string {
	const most = 1000
	text = listing.Printable(strings.TrimSpace(text))
	return text[:min(len(text), most)]
}
