package mta

import (
	"bytes"
	"net/netip"

	"dnsbld/listing/helo"
)

// eximHost is a client as Exim names it: NAME (HELO) [ADDRESS]:PORT, of which name, HELO and port
// may be missing.
type eximHost struct {
	name    []byte
	helo    []byte
	greeted bool
	addr    netip.Addr
	port    []byte
}

// eximFields are the fields behind a client, " KEY=VALUE", " KEY=\"VALUE\"" and flag words such as
// DS, TFO and L, in any order. These are read, others are passed over:
//
//	I=[ADDRESS]:PORT   where the client connected to (+incoming_interface)
//	P=PROTOCOL         smtp, esmtp, with s for TLS and a for AUTH (RFC 3848), and utf8 before it
//	F=<SENDER>
//	A=DRIVER:USER      the client has authenticated
type eximFields struct {
	verb        helo.Verb // empty: the line does not say
	server      netip.Addr
	service     service
	auth        bool
	nullSender  bool
	hasSender   bool // there is an F=
	hasProtocol bool // there is a P=, of a protocol that we know
}

// parseHost reads the client at the start of text. Exim shows HELO in parentheses and as it came. The
// HELO ends before the first ") [ADDRESS]". If what follows could be another client, the line is left
// alone.
func (what *eximEvent) parseHost(text []byte) (rest []byte, read eximRead) {
	h := &what.host
	ok := true
	if len(text) > 0 && text[0] != '(' && text[0] != '[' {
		if h.name, text, ok = bytes.Cut(text, []byte(" ")); !ok {
			return nil, eximUnread
		}
	}
	if len(text) == 0 || text[0] != '(' {
		h.addr, h.port, rest, ok = cutEndpoint(text)
	} else if h.helo, h.addr, h.port, rest, ok = cutHELO(text[1:]); ok {
		h.greeted = true
		if anotherClient(rest, h.addr) {
			return nil, eximAmbiguous
		}
	}
	if !ok {
		return nil, eximUnread
	}
	return rest, eximEventRead
}

// anotherClient reports whether, with another HELO than the one before the first ") [ADDRESS]", a line
// would be another client's: there is one more, with another address, and behind it the line goes on as
// lines do behind a client. A HELO can be such a text where the configuration accepts any
// (helo_accept_junk_hosts). What senders, recipients and subjects hold does not look so: behind
// "\") [198.51.100.9]\"@sender.example" there is no field.
func anotherClient(rest []byte, client netip.Addr) bool {
	for _, addr, _, more, found := cutHELO(rest); found; _, addr, _, more, found = cutHELO(more) {
		if addr != client && followsClient(more) {
			return true
		}
	}
	return false
}

// followsClient reports whether text is what can stand behind a client: a field, a word of Exim's, a
// colon, or nothing.
func followsClient(text []byte) bool {
	if len(text) == 0 || text[0] == ':' {
		return true
	}
	word, ok := bytes.CutPrefix(text, []byte(" "))
	if !ok {
		return false
	}
	key, _, field := bytes.Cut(word[:min(len(word), 8)], []byte("="))
	flag, _, more := bytes.Cut(word, []byte(" "))
	return field && eximKey(key) || more && eximFlag(flag) || beginsWith(word, []string{"rejected ", "temporarily rejected ", "closed ", "lost", "sender verify ", "Warning: ",
		"incomplete transaction", "dropped by ", "RCPT ", "(via inetd)", "(TCP/IP", "(ODMR"})
}

// cutHELO cuts text at the first ") [ADDRESS]" or ") [ADDRESS]:PORT".
func cutHELO(text []byte) (said []byte, addr netip.Addr, port, rest []byte, ok bool) {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(") ["))
		if i < 0 {
			return nil, addr, nil, nil, false
		}
		if addr, port, rest, ok = cutEndpoint(text[from+i+2:]); ok {
			return text[:from+i], addr, port, rest, true
		}
		from += i + 1
	}
}

// cutEndpoint reads [ADDRESS] or [ADDRESS]:PORT.
func cutEndpoint(text []byte) (addr netip.Addr, port, rest []byte, ok bool) {
	const longest = len("[IPv6:0000:0000:0000:0000:0000:ffff:255.255.255.255]")
	end := bytes.IndexByte(text[:min(len(text), longest)], ']')
	if end < 1 || text[0] != '[' {
		return addr, nil, nil, false
	}
	addr, ok = parseClient(text[1:end])
	rest = text[end+1:]
	if len(rest) > 0 && rest[0] == ':' {
		n := 1 + countDigits(rest[1:])
		port, rest = rest[1:n], rest[n:]
	}
	return addr, port, rest, ok
}

// fields reads fields and returns what follows the blank after them. It stops at S=, behind which
// come only things that the client chooses, and at H=.
func (f *eximFields) fields(text []byte) []byte {
	for brackets := true; ; {
		text = bytes.TrimLeft(text, " ")
		key, _, ok := bytes.Cut(text[:min(len(text), 8)], []byte("="))
		if !ok || !eximKey(key) {
			word, rest, more := bytes.Cut(text, []byte(" "))
			if !more || !eximFlag(word) {
				return text
			}
			text = rest
			continue
		}
		if string(key) == "S" || string(key) == "H" {
			return text
		}
		value := text[len(key)+1:]
		var end int
		end, brackets = fieldLength(value, brackets)
		f.field(key, value[:end])
		text = value[end:]
	}
}

// fieldLength is how long a value is. It goes by quoting, never by what a value holds: a sender may
// hold " A=". It is within angle brackets or quotes, or up to the next blank. Brackets
// that do not end are not looked for again in the line: each time would be to its end.
func fieldLength(value []byte, brackets bool) (length int, closed bool) {
	if brackets && len(value) > 0 && value[0] == '<' {
		var sender []byte
		if sender, _, brackets = cutQuoted(value[1:], '>'); brackets {
			return len(sender) + 2, true
		}
	}
	if len(value) > 0 && value[0] == '"' {
		if end := bytes.Index(value[1:], []byte(`" `)); end >= 0 {
			return end + 2, brackets
		}
		return len(value), brackets
	}
	if end := bytes.IndexByte(value, ' '); end >= 0 {
		return end, brackets
	}
	return len(value), brackets
}

// eximKey reports whether key has the form of a field's: letters and digits, as I, Ci, X, CV and
// DN. Which fields there are is not asked: every Exim has a few that the one before had not.
func eximKey(key []byte) bool {
	for _, c := range key {
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(key) > 0
}

// eximFlag reports whether word is a flag between fields: a few capital letters, perhaps with a
// sign behind them.
func eximFlag(word []byte) bool {
	word = bytes.TrimRight(word, "*.-")
	for _, c := range word {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(word) > 0 && len(word) <= 5 && string(word) != "RCPT"
}

// field takes a field that is read.
func (f *eximFields) field(key, value []byte) {
	switch string(key) {
	case "I":
		f.connectedTo(value)
	case "F":
		f.hasSender = true
		f.nullSender = string(value) == "<>"
	case "A":
		f.auth = true
	case "P":
		f.protocol(value)
	}
}

// connectedTo takes our address and port. Other ports than those of RFC 8314 and RFC 5321 say
// nothing of the service.
func (f *eximFields) connectedTo(value []byte) {
	server, port, _, ok := cutEndpoint(value)
	if !ok {
		return
	}
	f.server = server
	switch string(port) {
	case "465", "587":
		f.service = serviceSubmission
	case "25":
		f.service = serviceMX
	}
}

// protocol takes "esmtpsa" and the like: Exim's names, with an "a" at the end of those of a client
// that has authenticated.
func (f *eximFields) protocol(value []byte) {
	rest, extended := bytes.CutPrefix(bytes.TrimPrefix(value, []byte("utf8")), []byte("esmtp"))
	f.verb = helo.VerbHELO
	if extended {
		f.verb = helo.VerbEHLO
	}
	f.auth = f.auth || extended && bytes.IndexByte(rest, 'a') >= 0
	f.hasProtocol = extended && len(bytes.Trim(rest, "as")) == 0 || string(value) == "smtp" || string(value) == "smtps"
}

// cutQuoted cuts text at the first end that is not within double quotes.
func cutQuoted(text []byte, end byte) (before, after []byte, found bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == end && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, nil, false
}

// unescape undoes what Exim's string_printing does: a backslash and three octal digits, or a letter
// as in C.
func unescape(text []byte) []byte {
	const letters, controls = `btnvfr\`, "\b\t\n\v\f\r\\"
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			if n, ok := octal(text[i+1:]); ok {
				c, i = n, i+3
			} else if at := bytes.IndexByte([]byte(letters), text[i+1]); at >= 0 {
				c, i = controls[at], i+1
			}
		}
		out = append(out, c)
	}
	return out
}

func octal(text []byte) (byte, bool) {
	if len(text) < 3 || text[0] > '3' {
		return 0, false
	}
	var n byte
	for _, c := range text[:3] {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | (c - '0')
	}
	return n, true
}
