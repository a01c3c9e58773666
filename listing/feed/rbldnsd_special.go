package feed

import (
	"bytes"
	"strconv"
	"time"

	"dnsbld/listing"
)

// special reads what follows the dollar sign at the beginning of a line.
func (p *rbldnsd) special(text []byte) error {
	name, args, _ := bytes.Cut(bytes.ReplaceAll(text, []byte("\t"), []byte(" ")), []byte(" "))
	args = bytes.Trim(args, " ")
	kind := string(bytes.ToUpper(name))
	switch {
	case len(args) == 0 || len(name) == 0:
	case len(name) == 1 && name[0] >= '0' && name[0] <= '9':
		if word := &p.scope.words[name[0]-'0']; *word == "" { // the first one counts
			*word = string(args)
		}
		return nil
	case string(name) == "=":
		p.scope.base = string(args)
		return nil
	default:
		switch kind {
		case "SOA", "NS", "TTL", "ENT":
			return nil
		case "TIMESTAMP":
			return p.setTimestamp(args)
		case "MAXRANGE4":
			return p.setMaxRange(args)
		case "DATASET":
			return p.dataset(args)
		}
		p.options.warn("%s is not a special entry that is known here; it is left out", listing.Quote("$"+string(name[:min(len(name), 60)])))
		return nil
	}
	return complain("bad-special", "see rbldnsd(8), section Special Entries",
		"%s is not a special entry", listing.Quote("$"+string(text[:min(len(text), 60)])))
}

// setMaxRange reads how many addresses an entry may have: "/24" or "256". It
// can be made smaller only.
func (p *rbldnsd) setMaxRange(text []byte) error {
	bits, isBits := parseBits(text)
	n, err := strconv.ParseUint(string(text), 10, 33)
	switch {
	case isBits:
		n = 1 << (32 - bits)
	case err != nil || n == 0:
		return complain("bad-special", "write $MAXRANGE4 /24 or $MAXRANGE4 256", "%s is not a size of a range", listing.Quote(string(text[:min(len(text), 40)])))
	}
	if p.scope.maxRange == 0 || n < p.scope.maxRange {
		p.scope.maxRange = n
	}
	return nil
}

// checkSize refuses what is larger than the file itself allows.
func (p *rbldnsd) checkSize(n uint64) error {
	if p.scope.maxRange != 0 && n > p.scope.maxRange {
		return complain("too-large", "correct the line or the $MAXRANGE4", "the entry has %d addresses, and $MAXRANGE4 of this file allows %d", n, p.scope.maxRange)
	}
	return nil
}

// setTimestamp reads when the data was made and, perhaps, until when it is good:
// "2026:11:26:12 +2d". It fails for data of another time.
func (p *rbldnsd) setTimestamp(args []byte) error {
	words := bytes.Fields(args)
	made, ok := parseStamp(words[0])
	var expires time.Time
	switch {
	case !ok || len(words) > 2:
		ok = false
	case len(words) == 1:
	case words[1][0] == '+':
		var life listing.Life
		life, ok = parseRelative(words[1][1:])
		expires = made.Add(life.Duration())
		ok = ok && !made.IsZero()
	default:
		expires, ok = parseStamp(words[1])
	}
	now := p.options.Now
	switch {
	case !ok:
		return complain("bad-special", "write $TIMESTAMP 2026:11:26 +2d, with colons or dashes between the numbers",
			"%s is not a time and an end", listing.Quote(string(args[:min(len(args), 60)])))
	case now.IsZero():
	case made.After(now):
		return fatal{complain("future", "is the clock of whoever made it right?", "the file says that it was made on %s, which is yet to come", made.Format(time.RFC3339))}
	case !expires.IsZero() && !expires.After(now):
		return fatal{complain("expired", "fetch a newer one", "the file says that it was good until %s", expires.Format(time.RFC3339))}
	}
	const forEver = 2100
	if p.scope.expires = expires; expires.Year() >= forEver {
		p.scope.expires = time.Time{}
	}
	return nil
}

// parseStamp reads yyyy:mm:dd[:hh[:mi[:ss]]], in UTC, whose delimiters may be
// dashes or be left out; 0 and - are no time.
func parseStamp(text []byte) (t time.Time, ok bool) {
	if string(text) == "0" || string(text) == "-" {
		return time.Time{}, true
	}
	digits := bytes.Map(func(c rune) rune {
		if c == ':' || c == '-' {
			return -1
		}
		return c
	}, text)
	const layout = "20060102150405"
	if n := len(digits); n < 8 || n > len(layout) || n%2 != 0 {
		return t, false
	}
	const first = 1970
	t, err := time.Parse(layout[:len(digits)], string(digits))
	return t, err == nil && t.Year() >= first
}

// parseRelative reads a time such as 2d or 1w2d; without a unit it is seconds.
func parseRelative(text []byte) (listing.Life, bool) {
	if n, err := strconv.ParseUint(string(text), 10, 32); err == nil {
		return listing.Life(time.Duration(n) * time.Second), true
	}
	life, err := listing.ParseLife(string(text))
	return life, err == nil
}
