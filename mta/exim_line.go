package mta

import (
	"bytes"
	"net/netip"

	"dnsbld/listing/helo"
)

// eximEvent is what one line tells of a connection.
type eximEvent struct {
	host       eximHost
	verb       helo.Verb // empty: the line does not say
	refused    []byte    // the argument of a HELO that Exim refused; nil: none
	recipients [][]byte
	server     netip.Addr
	auth       bool
	submission bool
	nullSender bool
	unknown    bool // the recipient is a mailbox that the server does not have
	closing    bool // the connection is over
}

// eximHost is a client as Exim names it: NAME (HELO) [ADDRESS]:PORT, of which name, HELO and port may be missing.
type eximHost struct {
	name    []byte
	helo    []byte
	greeted bool
	addr    netip.Addr
	port    []byte
}

// parseExim reads a line without its time. The shapes that it knows (ID is that of a message; HOST is as eximHost has it; FIELDS are
// as fields has them):
//
//	ID <= SENDER H=HOST FIELDS S=… id=… T="SUBJECT" from <SENDER> for RECIPIENT…     accepted mail
//	[ID] H=HOST FIELDS F=<SENDER> rejected RCPT <RECIPIENT>: WHY                     a refused command
//	rejected EHLO from HOST FIELDS: syntactically invalid argument(s): ARGUMENT      a greeting refused for its syntax
//	SMTP connection from HOST FIELDS closed by QUIT                                  the end of a connection
//
// Ambiguous lines are those that a HELO accepted in spite of its syntax
// (helo_accept_junk_hosts) can make look like another client's.
func parseExim(text []byte) (what eximEvent, ok, ambiguous bool) {
	if from, ok := bytes.CutPrefix(text, []byte("SMTP connection from ")); ok {
		return parseConnection(from)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("rejected ")); ok {
		return parseRefused(rest)
	}
	if host, ok := bytes.CutPrefix(text, []byte("H=")); ok {
		return parseReject(host, false)
	}
	rest, ok := cutEximID(text)
	if !ok {
		return what, false, false
	}
	if host, ok := bytes.CutPrefix(rest, []byte("H=")); ok {
		return parseReject(host, true)
	}
	if rest, ok = bytes.CutPrefix(rest, []byte("<= ")); ok {
		return parseArrival(rest)
	}
	return what, false, false
}

// parseConnection reads "HOST closed by QUIT", "HOST lost" and the like. Lines about a connection that opens have nothing yet.
func parseConnection(text []byte) (what eximEvent, ok, ambiguous bool) {
	what.host, text, ok, ambiguous = parseEximHost(text)
	if !ok {
		return what, false, ambiguous
	}
	text = what.fields(text)
	what.closing = bytes.HasPrefix(text, []byte("closed ")) || bytes.HasPrefix(text, []byte("lost"))
	return what, what.closing, false
}

// parseRefused reads "EHLO from HOST: syntactically invalid argument(s): ARGUMENT", where the argument is escaped.
func parseRefused(text []byte) (what eximEvent, ok, ambiguous bool) {
	const mark = ": syntactically invalid argument(s): "
	verb, text, ok := bytes.Cut(text, []byte(" from "))
	if !ok || string(verb) != "EHLO" && string(verb) != "HELO" {
		return what, false, false
	}
	from, argument, ok := bytes.Cut(text, []byte(mark))
	if !ok {
		return what, false, false
	}
	if bytes.Contains(argument, []byte(mark)) {
		return what, false, true
	}
	what.host, from, ok, ambiguous = parseEximHost(from)
	if !ok || len(what.fields(from)) > 0 {
		return what, false, ambiguous
	}
	what.verb, what.refused = helo.Verb(verb), []byte{}
	if string(argument) != "(no argument given)" {
		what.refused = unescape(argument)
	}
	return what, true, false
}

// parseReject reads "HOST FIELDS F=<SENDER> rejected RCPT <RECIPIENT>: …" and what else is said of a client that is connected. With
// mail, the same beginning is also used of hosts that Exim sends to: there the sender tells which it is.
func parseReject(text []byte, mail bool) (what eximEvent, ok, ambiguous bool) {
	what.host, text, ok, ambiguous = parseEximHost(text)
	if !ok {
		return what, false, ambiguous
	}
	what.assumeName()
	text = what.fields(text)
	if rest, ok := bytes.CutPrefix(text, []byte("F=<")); ok {
		sender, rest, ok := cutQuoted(rest, '>')
		what.nullSender = ok && len(sender) == 0
		rest = bytes.TrimPrefix(rest, []byte(" temporarily"))
		if rest, rcpt := bytes.CutPrefix(rest, []byte(" rejected RCPT <")); rcpt {
			if mailbox, why, ok := cutQuoted(rest, '>'); ok {
				what.recipients = append(what.recipients, mailbox)
				// What "verify = recipient" says, and a router's ":fail: Unknown user".
				what.unknown = bytes.HasPrefix(why, []byte(": Unrouteable address")) || bytes.HasPrefix(why, []byte(": Unknown user"))
			}
		}
		return what, ok, false
	}
	if mail {
		return what, false, false
	}
	for _, said := range [...]string{"rejected ", "temporarily rejected ", "Warning: ", "incomplete transaction", "sender verify "} {
		if bytes.HasPrefix(text, []byte(said)) {
			return what, true, false
		}
	}
	return what, false, false
}

// parseArrival reads "SENDER H=HOST FIELDS …" of a mail that was accepted. A quoted sender may hold blanks and what looks like H=.
func parseArrival(text []byte) (what eximEvent, ok, ambiguous bool) {
	sender, text, ok := cutQuoted(text, ' ')
	text, network := bytes.CutPrefix(text, []byte("H="))
	if !ok || !network {
		return what, false, false
	}
	what.nullSender = string(sender) == "<>"
	what.host, text, ok, ambiguous = parseEximHost(text)
	if !ok {
		return what, false, ambiguous
	}
	what.assumeName()
	text = what.fields(text)
	if at := bytes.LastIndex(text, []byte(" for ")); at >= 0 {
		for rest := text[at+len(" for "):]; len(rest) > 0; {
			var mailbox []byte
			mailbox, rest, _ = cutQuoted(rest, ' ')
			what.recipients = append(what.recipients, mailbox)
		}
	}
	return what, true, false
}

// assumeName takes the confirmed host name for a HELO that Exim left out.
func (what *eximEvent) assumeName() {
	if h := &what.host; !h.greeted && len(h.name) > 0 {
		h.helo, h.greeted = h.name, true
	}
}

// parseEximHost reads the client at the start of text. Exim shows HELO in parentheses and as it came: if it holds ") [", there are
// two ways to read the line, and it is left alone.
func parseEximHost(text []byte) (h eximHost, rest []byte, ok, ambiguous bool) {
	if len(text) > 0 && text[0] != '(' && text[0] != '[' {
		if h.name, text, ok = bytes.Cut(text, []byte(" ")); !ok {
			return h, nil, false, false
		}
	}
	if len(text) > 0 && text[0] == '(' {
		const end = ") ["
		at := bytes.Index(text, []byte(end))
		if at < 0 {
			return h, nil, false, false
		}
		if bytes.Contains(text[at+1:], []byte(end)) {
			return h, nil, false, true
		}
		h.helo, h.greeted, text = text[1:at], true, text[at+2:]
	}
	h.addr, h.port, rest, ok = cutEndpoint(text)
	return h, rest, ok && (len(rest) == 0 || rest[0] == ' '), false
}

// cutEndpoint reads [ADDRESS] or [ADDRESS]:PORT.
func cutEndpoint(text []byte) (addr netip.Addr, port, rest []byte, ok bool) {
	end := bytes.IndexByte(text, ']')
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

// fields reads " I=[ADDRESS]:PORT X=… P=… A=…" and returns what follows the blank after them.
func (what *eximEvent) fields(text []byte) []byte {
	for len(text) > 0 && text[0] == ' ' {
		key, rest, ok := bytes.Cut(text[1:], []byte("="))
		if !ok || !eximField(key) {
			return text[1:]
		}
		end := bytes.IndexByte(rest, ' ')
		if len(rest) > 0 && rest[0] == '"' {
			end = bytes.Index(rest, []byte(`" `)) + 1
		}
		if end <= 0 {
			end = len(rest)
		}
		what.field(key, rest[:end])
		text = rest[end:]
	}
	return bytes.TrimPrefix(text, []byte(" "))
}

// eximField reports whether key is one that may follow the host.
func eximField(key []byte) bool {
	switch string(key) {
	case "I", "P", "X", "A", "U", "CV", "DN", "SNI", "PRX":
		return true
	}
	return false
}

func (what *eximEvent) field(key, value []byte) {
	switch string(key) {
	case "I":
		server, port, _, ok := cutEndpoint(value)
		if ok {
			what.server = server
			what.submission = string(port) == "587" || string(port) == "465"
		}
	case "A":
		what.auth = true
	case "P": // esmtp, with s for TLS and a for AUTH (RFC 3848), or smtp
		protocol, extended := bytes.CutPrefix(value, []byte("esmtp"))
		what.verb = helo.VerbHELO
		if extended {
			what.verb = helo.VerbEHLO
		}
		what.auth = what.auth || extended && bytes.IndexByte(protocol, 'a') >= 0
	}
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

// cutEximID takes a message ID (6-6-2 characters, or 6-11-4 since Exim 4.97) and a blank.
func cutEximID(text []byte) (rest []byte, ok bool) {
	id, rest, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(id) != 16 && len(id) != 23 || id[6] != '-' || id[len(id)-3] != '-' && id[len(id)-5] != '-' {
		return nil, false
	}
	for _, c := range id {
		if !digit(c) && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return nil, false
		}
	}
	return rest, true
}

// unescape undoes what Exim's string_printing does: a backslash and three octal digits, or a letter as in C.
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
