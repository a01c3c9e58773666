package mta

import (
	"bytes"
	"strconv"

	"dnsbld/listing/helo"
)

// parsePeer reads the client at the start of text. Host names hold no brackets, so that the first
// one is the client's.
func parsePeer(text []byte) (peer, bool) {
	open := bytes.IndexByte(text, '[')
	if open < 1 || bytes.IndexByte(text[:open], ' ') >= 0 {
		return peer{}, false
	}
	end := bytes.IndexByte(text[open:], ']')
	if end < 0 {
		return peer{}, false
	}
	addr, ok := parseClient(text[open+1 : open+end])
	if !ok {
		return peer{}, false
	}
	p := peer{addr: addr, rest: text[open+end+1:]}
	if name := string(text[:open]); name != "unknown" && len(name) <= maxDomain {
		p.name = name
	}
	if len(p.rest) > 1 && p.rest[0] == ':' && digit(p.rest[1]) { // smtpd_client_port_logging
		p.rest = p.rest[1+countDigits(p.rest[1:]):]
	}
	return p, true
}

// cutQueueID takes "NOQUEUE: " or a queue ID, short or long, from the start of text. Words such as
// "warning" are none.
func cutQueueID(text []byte) (id, rest []byte, ok bool) {
	id, rest, ok = bytes.Cut(text, []byte(": "))
	if !ok || len(id) < 6 || len(id) > 32 {
		return nil, nil, false
	}
	upper := true
	for _, c := range id {
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return nil, nil, false
		}
		upper = upper && c < 'a'
	}
	return id, rest, upper || len(id) >= 10
}

// cutWord takes the word in lower case that says what was done, "reject", "milter-reject" or
// "info", and the colon after it.
func cutWord(text []byte) (word, rest []byte, ok bool) {
	n := 0
	for n < len(text) && ('a' <= text[n] && text[n] <= 'z' || text[n] == '-' || text[n] == '_') {
		n++
	}
	return text[:n], text[min(n+2, len(text)):], n > 0 && bytes.HasPrefix(text[n:], []byte(": "))
}

// event is what smtpd did with a command, "reject: RCPT from NAME[ADDRESS]: …", as log_whatsup() of
// its smtpd_check.c writes it since 2.0: action, command, client, reply, and the end that parseEnd
// reads.
type event struct {
	stage []byte
	peer  peer
}

// parseEvent reads it behind the queue ID. The command is in capital letters, END-OF-MESSAGE and
// BDAT among them.
func parseEvent(text []byte) (event, bool) {
	_, text, ok := cutWord(text)
	if !ok {
		return event{}, false
	}
	n := 0
	for n < len(text) && ('A' <= text[n] && text[n] <= 'Z' || text[n] == '-') {
		n++
	}
	e := event{stage: text[:n]}
	from, ok := bytes.CutPrefix(text[n:], []byte(" from "))
	if !ok || n == 0 {
		return event{}, false
	}
	e.peer, ok = parsePeer(from)
	return e, ok && bytes.HasPrefix(e.peer.rest, []byte(": "))
}

// lineEnd is what stands at the end of an event's line.
type lineEnd struct {
	verb       helo.Verb
	helo       []byte
	recipient  []byte
	auth       bool // since 3.10: the client has authenticated
	doubt      bool // it may have: a user's name can be like a HELO
	nullSender bool
	unknown    bool // the server has no such mailbox
}

// endState is what became of reading the end of a line.
type endState uint8

const (
	endNone   endState = iota // it has no HELO
	endRead                   // read
	endUnread                 // it has something that is like a HELO, and was not understood
)

// parseEnd reads "; from=<S> to=<R> proto=P helo=<H>" from the end, because what comes before may
// hold anything: a DNSBL's text, and quoted local parts with blanks and angle brackets. Postfix
// writes ? for blanks and angle brackets in H, but for a milter's refusal at EHLO or HELO (raw),
// where H is what it said, octet by octet. Behind H may stand sasl_method=… (3.10), or ": TEXT" of
// a header check.
func parseEnd(text []byte, raw bool) (end lineEnd, read endState) {
	const begin = " helo=<"
	at := bytes.LastIndex(text, []byte(begin))
	if raw {
		at = bytes.Index(text, []byte(begin))
	}
	if at < 0 {
		return end, endNone
	}
	said := text[at+len(begin):]
	close := bytes.IndexByte(said, '>')
	if raw {
		close = bytes.LastIndexByte(said, '>')
	}
	if close < 1 {
		return end, endUnread
	}
	end.helo = said[:close]
	behind := said[close+1:]
	end.auth = bytes.HasPrefix(behind, []byte(" sasl_"))
	if !raw && bytes.ContainsAny(end.helo, " <>") || len(behind) > 0 && !end.auth && !bytes.HasPrefix(behind, []byte(": ")) {
		return end, endUnread
	}
	end.doubt = !end.auth && bytes.Count(text, []byte(begin)) > 1 && bytes.Contains(text, []byte("> sasl_"))
	return end, end.before(text[:at])
}

// before reads what stands before the HELO.
func (e *lineEnd) before(text []byte) endState {
	if before, smtp := bytes.CutSuffix(text, []byte(" proto=SMTP")); smtp {
		text, e.verb = before, helo.VerbHELO
	} else if before, esmtp := bytes.CutSuffix(text, []byte(" proto=ESMTP")); esmtp {
		text, e.verb = before, helo.VerbEHLO
	} else {
		return endUnread
	}
	e.unknown = bytes.HasPrefix(text, []byte(": 550 5.1.1 <")) // RFC 3463, section 3.2
	if rest, ok := bytes.CutSuffix(text, []byte(">")); ok {
		if at := bytes.LastIndex(rest, []byte(" to=<")); at >= 0 {
			e.recipient = rest[at+len(" to=<"):]
			e.nullSender = bytes.HasSuffix(rest[:at], []byte(" from=<>"))
		}
	}
	return endRead
}

// relayDenied reports whether an event is the refusal to relay, ": 554 5.7.1 <RECIPIENT>: Relay
// access denied; from=…". A client that has authenticated may relay.
func relayDenied(text []byte) bool {
	reply, _, ok := bytes.Cut(text, []byte("; from=<"))
	return ok && bytes.HasSuffix(reply, []byte(">: Relay access denied")) &&
		(bytes.HasPrefix(reply, []byte(": 554 5.7.1 <")) || bytes.HasPrefix(reply, []byte(": 454 4.7.1 <")))
}

// tally is what smtpd counts at the end of a session (Postfix 3.0 and later): " ehlo=1 auth=0/1
// mail=1 … commands=5".
type tally struct {
	counted    bool // there are counts
	auth       bool // a successful AUTH
	silent     bool // mail, and no greeting tried before it
	recipients int  // that were named, refused ones too
}

// parseTally reads the counts, of which a command that was refused has two: done/tried (smtpd.c).
func parseTally(text []byte) tally {
	var t tally
	var greeted, mailed bool
	for _, field := range bytes.Fields(text) {
		command, count, _ := bytes.Cut(field, []byte("="))
		done := len(count) > 0 && count[0] != '0'
		switch string(command) {
		case "ehlo", "helo":
			greeted = true
		case "auth":
			t.auth = done
		case "mail":
			mailed = done
		case "rcpt": // done, or done/tried
			if _, tried, some := bytes.Cut(count, []byte("/")); some {
				count = tried
			}
			t.recipients, _ = strconv.Atoi(string(count))
		case "commands":
			t.counted = true
		}
	}
	t.silent = t.counted && mailed && !greeted
	return t
}
