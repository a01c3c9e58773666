package mta

import (
	"encoding"
	"net/netip"

	"dnsbld/listing/helo"
)

// scanner reads the lines that programs write: one flat object of keys that we know, each once, and values in printable ASCII without
// escapes. It gives up on everything else, which encoding/json then decides; what both read, they read alike, at a tenth of the time.
type scanner struct {
	text []byte
	at   int
}

// scanReport reads a line into r, which is zero. If it returns false, r is spoilt.
func scanReport(line []byte, r *Report) bool {
	s := scanner{text: line}
	if !s.skip('{') {
		return false
	}
	var seen fieldSet
	for more := !s.skip('}'); more; {
		key, ok := s.str()
		if !ok || !s.skip(':') || !s.field(key, r, &seen) {
			return false
		}
		if more = s.skip(','); !more && !s.skip('}') {
			return false
		}
	}
	if s.blank(); s.at != len(s.text) {
		return false
	}
	if seen&fieldHELO == 0 {
		r.Verb = helo.VerbNone
	}
	if seen&fieldPTR != 0 && len(r.PTR) == 0 && r.PTRStatus == helo.Unset {
		r.PTRStatus = helo.NoData
	}
	return true
}

// fieldSet is which keys were seen.
type fieldSet uint32

const (
	fieldTime fieldSet = 1 << iota
	fieldReceiver
	fieldID
	fieldClient
	fieldVerb
	fieldHELO
	fieldRecipients
	fieldOurIPs
	fieldOurNames
	fieldHosted
	fieldPTR
	fieldPTRStatus
	fieldFCrDNS
	fieldHELOAddrs
	fieldHELOStatus
	fieldAuth
	fieldSubmission
	fieldTrusted
	fieldNullSender
	fieldTried
	fieldUnknown
	fieldProbe
)

// field reads the value of a key.
func (s *scanner) field(key []byte, r *Report, seen *fieldSet) bool {
	mark := func(f fieldSet) (first bool) {
		first = *seen&f == 0
		*seen |= f
		return first
	}
	switch string(key) {
	case "time":
		return mark(fieldTime) && s.decoded(&r.Time)
	case "receiver":
		return mark(fieldReceiver) && s.word(&r.Receiver)
	case "id":
		return mark(fieldID) && s.word(&r.ID)
	case "client":
		return mark(fieldClient) && s.decoded(&r.Client)
	case "verb":
		return mark(fieldVerb) && s.word((*string)(&r.Verb))
	case "helo":
		return mark(fieldHELO) && s.word(&r.HELO)
	case "rcpts":
		return mark(fieldRecipients) && s.texts(&r.Recipients)
	case "our_ips":
		return mark(fieldOurIPs) && s.addrs(&r.OurIPs)
	case "our_names":
		return mark(fieldOurNames) && s.texts(&r.OurNames)
	case "hosted":
		return mark(fieldHosted) && s.texts(&r.Hosted)
	}
	return s.checkField(key, r, mark)
}

// checkField reads what DNS and the mail server found out.
func (s *scanner) checkField(key []byte, r *Report, mark func(fieldSet) bool) bool {
	switch string(key) {
	case "ptr":
		return mark(fieldPTR) && s.texts(&r.PTR)
	case "ptr_dns":
		return mark(fieldPTRStatus) && s.decoded(&r.PTRStatus)
	case "fcrdns":
		return mark(fieldFCrDNS) && s.flag(&r.FCrDNS)
	case "helo_addrs":
		return mark(fieldHELOAddrs) && s.addrs(&r.HELOAddrs)
	case "helo_dns":
		return mark(fieldHELOStatus) && s.decoded(&r.HELOStatus)
	case "auth":
		return mark(fieldAuth) && s.flag(&r.Auth)
	case "submission":
		return mark(fieldSubmission) && s.flag(&r.Submission)
	case "trusted":
		return mark(fieldTrusted) && s.flag(&r.Trusted)
	case "null_sender":
		return mark(fieldNullSender) && s.flag(&r.NullSender)
	case "rcpts_tried":
		return mark(fieldTried) && s.number(&r.Tried)
	case "rcpts_unknown":
		return mark(fieldUnknown) && s.number(&r.Unknown)
	case "probe":
		return mark(fieldProbe) && s.word(&r.Probe)
	}
	return false
}

// blank skips white space.
func (s *scanner) blank() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
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

func (s *scanner) word(to *string) bool {
	text, ok := s.str()
	*to = string(text)
	return ok
}

func (s *scanner) decoded(to encoding.TextUnmarshaler) bool {
	text, ok := s.str()
	return ok && to.UnmarshalText(text) == nil
}

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

func (s *scanner) texts(to *[]string) bool {
	*to = []string{}
	return s.list(func() bool {
		text, ok := s.str()
		*to = append(*to, string(text))
		return ok
	})
}

func (s *scanner) addrs(to *[]netip.Addr) bool {
	*to = []netip.Addr{}
	return s.list(func() bool {
		var addr netip.Addr
		ok := s.decoded(&addr)
		*to = append(*to, addr)
		return ok
	})
}

// list takes an array.
func (s *scanner) list(element func() bool) bool {
	if !s.skip('[') {
		return false
	}
	if s.skip(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.skip(']') {
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
}
