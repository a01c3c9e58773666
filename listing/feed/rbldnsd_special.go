package feed

import (
	"bytes"
	"strconv"

	"dnsbld/listing"
)

// special reads what follows the dollar sign at the beginning of a line.
func (p *rbldnsd) special(text []byte) error {
	name, args, _ := bytes.Cut(bytes.ReplaceAll(text, []byte("\t"), []byte(" ")), []byte(" "))
	args = bytes.Trim(args, " ")
	switch {
	case len(args) == 0:
	case len(name) == 1 && name[0] >= '0' && name[0] <= '9':
		if word := &p.scope.words[name[0]-'0']; *word == "" { // the first one counts
			*word = string(args)
		}
		return nil
	case string(name) == "=":
		p.scope.base = string(args)
		return nil
	default:
		switch string(bytes.ToUpper(name)) {
		case "SOA", "NS", "TTL", "TIMESTAMP":
			return nil
		case "MAXRANGE4":
			return p.setMaxRange(args)
		case "DATASET":
			return p.dataset(args)
		}
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

// checkRange refuses what is larger than the file itself allows.
func (p *rbldnsd) checkRange(lo, hi uint32) error {
	if n := uint64(hi) - uint64(lo) + 1; p.scope.maxRange != 0 && n > p.scope.maxRange {
		return complain("too-large", "correct the line or the $MAXRANGE4", "the entry has %d addresses, and $MAXRANGE4 of this file allows %d", n, p.scope.maxRange)
	}
	return nil
}
