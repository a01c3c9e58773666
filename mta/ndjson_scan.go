package mta

import (
	"encoding"
	"net/netip"
	"strings"

	"dnsbld/listing/helo"
)

// scanner reads the lines that programs write: one flat object of keys that we know, each once, and
// values in printable ASCII without escapes. It gives up on everything else, which encoding/json
// then decides; what both read, they read alike (a fuzz test holds them equal), the scanner at a
// tenth of the time.
type scanner struct {
	text    []byte
	at      int
	seen    uint32 // a bit for each of reportFields
	next    int    // the field that a key is first compared with: programs write keys in one order
	greeted bool   // there was a helo
}

// reportFields are the keys of a line: those of [Report] and of [helo.Session].
var reportFields = [...]struct {
	key  string
	read func(s *scanner, r *Report) bool
}{
	{"time", func(s *scanner, r *Report) bool { return s.decoded(&r.Time) }},
	{"receiver", func(s *scanner, r *Report) bool { return s.word(&r.Receiver) }},
	{"id", func(s *scanner, r *Report) bool { return s.word(&r.ID) }},
	{"rcpts_tried", func(s *scanner, r *Report) bool { return s.number(&r.Tried) }},
	{"rcpts_unknown", func(s *scanner, r *Report) bool { return s.number(&r.Unknown) }},
	{"probe", func(s *scanner, r *Report) bool { return s.word(&r.Probe) }},
	{"client", func(s *scanner, r *Report) bool { return s.decoded(&r.Client) }},
	{"verb", func(s *scanner, r *Report) bool { return s.word((*string)(&r.Verb)) }},
	{"helo", func(s *scanner, r *Report) bool { s.greeted = true; return s.word(&r.HELO) }},
	{"our_ips", func(s *scanner, r *Report) bool { return s.addrs(&r.OurIPs) }},
	{"our_names", func(s *scanner, r *Report) bool { return s.texts(&r.OurNames) }},
	{"hosted", func(s *scanner, r *Report) bool { return s.texts(&r.Hosted) }},
	{"rcpts", func(s *scanner, r *Report) bool { return s.texts(&r.Recipients) }},
	{"ptr", func(s *scanner, r *Report) bool { return s.texts(&r.PTR) }},
	{"ptr_dns", func(s *scanner, r *Report) bool { return s.decoded(&r.PTRStatus) }},
	{"fcrdns", func(s *scanner, r *Report) bool { return s.flag(&r.FCrDNS) }},
	{"helo_addrs", func(s *scanner, r *Report) bool { return s.addrs(&r.HELOAddrs) }},
	{"helo_dns", func(s *scanner, r *Report) bool { return s.decoded(&r.HELOStatus) }},
	{"auth", func(s *scanner, r *Report) bool { return s.flag(&r.Auth) }},
	{"submission", func(s *scanner, r *Report) bool { return s.flag(&r.Submission) }},
	{"trusted", func(s *scanner, r *Report) bool { return s.flag(&r.Trusted) }},
	{"unproven", func(s *scanner, r *Report) bool { return s.flag(&r.Unproven) }},
	{"null_sender", func(s *scanner, r *Report) bool { return s.flag(&r.NullSender) }},
}

// scanReport reads a line into r, which is zero. If it returns false, r is spoilt.
func scanReport(line []byte, r *Report) bool {
	s := scanner{text: line}
	if !s.skip('{') {
		return false
	}
	for more := !s.skip('}'); more; {
		key, ok := s.str()
		if !ok || !s.skip(':') || !s.field(key, r) {
			return false
		}
		if more = s.skip(','); !more && !s.skip('}') {
			return false
		}
	}
	s.blank()
	if !s.greeted {
		r.Verb = helo.VerbNone
	}
	if r.PTR != nil && len(r.PTR) == 0 && r.PTRStatus == helo.Unset { // "ptr":[] says that there is none
		r.PTRStatus = helo.NoData
	}
	return s.at == len(s.text)
}

// field reads the value of a key, the first time.
func (s *scanner) field(key []byte, r *Report) bool {
	for range reportFields {
		i := s.next
		s.next = (i + 1) % len(reportFields)
		if string(key) == reportFields[i].key {
			first := s.seen&(1<<i) == 0
			s.seen |= 1 << i
			return first && reportFields[i].read(s, r)
		}
	}
	return false
}

// blank skips white space.
func (s *scanner) blank() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// skip takes c, if that is next.
func (s *scanner) skip(c byte) bool {
	s.blank()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// str takes a string, without its quotes.
func (s *scanner) str() ([]byte, bool) {
	if !s.skip('"') {
		return nil, false
	}
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], true
		case c < ' ' || c > '~' || c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// word takes a string.
func (s *scanner) word(to *string) bool {
	text, ok := s.str()
	*to = string(text)
	return ok
}

// decoded takes a string that a type of its own reads.
func (s *scanner) decoded(to encoding.TextUnmarshaler) bool {
	text, ok := s.str()
	return ok && to.UnmarshalText(text) == nil
}

// flag takes true or false.
func (s *scanner) flag(to *bool) bool {
	s.blank()
	for word, value := range [...]string{"false", "true"} {
		if end := s.at + len(value); end <= len(s.text) && string(s.text[s.at:end]) == value {
			*to, s.at = word == 1, end
			return true
		}
	}
	return false
}

// number takes a small one without a sign, a fraction or an exponent.
func (s *scanner) number(to *int) bool {
	s.blank()
	start, n := s.at, 0
	for ; s.at < len(s.text) && digit(s.text[s.at]); s.at++ {
		n = 10*n + int(s.text[s.at]-'0')
	}
	const longest = 9
	length := s.at - start
	if length == 0 || length > longest || length > 1 && s.text[start] == '0' {
		return false
	}
	*to = n
	return true
}

func (s *scanner) texts(to *[]string) bool { return list(s, to, s.word) }

func (s *scanner) addrs(to *[]netip.Addr) bool {
	return list(s, to, func(addr *netip.Addr) bool { return s.decoded(addr) })
}

// list takes an array. An empty one is not nil: it says that there is nothing.
func list[T any](s *scanner, to *[]T, element func(*T) bool) bool {
	*to = []T{}
	if !s.skip('[') {
		return false
	}
	for more := !s.skip(']'); more; {
		var one T
		if !element(&one) {
			return false
		}
		*to = append(*to, one)
		if more = s.skip(','); !more && !s.skip(']') {
			return false
		}
	}
	return true
}
