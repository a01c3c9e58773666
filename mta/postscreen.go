package mta

import (
	"bytes"

	"dnsbld/listing/helo"
)

// postscreen takes what the server in front of smtpd says of a client, [ADDRESS]:PORT. It offers no
// AUTH, and is for port 25 alone. What it passes on becomes a session of smtpd's; what it refuses
// itself is one here. The lines are those of postscreen.c, postscreen_early.c and
// postscreen_smtpd.c of Postfix 2.8 to 3.10:
//
//	CONNECT from CLIENT to [ADDRESS]:PORT
//	PREGREET 17 after 0.02 from CLIENT: EHLO HELO\r\n                                              the first 100 octets, escaped as in C
//	NOQUEUE: reject: RCPT from CLIENT: 550 5.7.1 WHY; from=<S>, to=<R>, proto=ESMTP, helo=<HELO>
//	DISCONNECT CLIENT
func (p *Postfix) postscreen(t *postfixLine) {
	if rest, ok := bytes.CutPrefix(t.text, []byte("CONNECT from ")); ok {
		p.screen(t, rest, true)
		return
	}
	if rest, ok := bytes.CutPrefix(t.text, []byte("DISCONNECT ")); ok {
		if one, _ := p.screen(t, rest, false); one != nil {
			one.pregreeted = false
			p.screens.end(one, t.emit)
		}
		return
	}
	if rest, ok := bytes.CutPrefix(t.text, []byte("PASS ")); ok {
		_, rest, _ = bytes.Cut(rest, []byte(" "))
		p.forget(t, rest)
		return
	}
	if rest, ok := bytes.CutPrefix(t.text, []byte("PREGREET ")); ok {
		if _, rest, ok = bytes.Cut(rest, []byte(" from ")); ok {
			p.pregreet(t, rest)
			return
		}
	}
	if rest, ok := bytes.CutPrefix(t.text, []byte("NOQUEUE: reject: RCPT from ")); ok {
		p.screened(t, rest)
		return
	}
	if !beginsWith(t.text, smtpdOthers[:]) && !beginsWith(t.text, screenOthers[:]) {
		p.missed("", t.text, t.line)
	}
}

// screenOthers are the beginnings of postscreen's lines that have nothing of a HELO.
var screenOthers = [...]string{"NOQUEUE: reject: CONNECT ", "reject: connect ", "HANGUP ", "DNSBL rank ", "DENYLISTED ", "BLACKLISTED ", "ALLOWLISTED ",
	"WHITELISTED ", "ALLOWLIST VETO ", "WHITELIST VETO ", "BARE NEWLINE ", "NON-SMTP COMMAND ", "COMMAND ", "DATA without ", "BDAT without ",
	"skip ", "[", "postscreen_"}

// screen finds the session of the client at the start of text, or with begin starts one, and
// returns what follows the client.
func (p *Postfix) screen(t *postfixLine, text []byte, begin bool) (*session, []byte) {
	addr, port, rest, ok := cutEndpoint(text)
	if !ok {
		p.missed("", t.text, t.line)
		return nil, nil
	}
	p.key = append(append(append(p.key[:0], t.from...), ' '), text[:len(text)-len(rest)]...)
	one := p.screens.find(p.key)
	if one == nil || begin {
		scope := append(append(append(make([]byte, 0, 64), t.host...), '/'), t.pid...)
		scope = append(append(append(scope, '/'), addr.String()...), '#')
		one = p.screens.start(p.key, append(scope, port...), t.at, t.emit)
		p.describe(one, t, peer{addr: addr})
		one.service, one.noAuth = serviceMX, true
		if to, ok := bytes.CutPrefix(rest, []byte(" to ")); ok {
			if server, _, _, ok := cutEndpoint(to); ok {
				one.report.OurIPs = append(one.report.OurIPs, server)
			}
		}
	} else {
		p.screens.keep(one, t.line)
	}
	p.screens.touch(one, t.at)
	return one, rest
}

// forget drops the session of a client that smtpd gets: it is one session.
func (p *Postfix) forget(t *postfixLine, text []byte) {
	if one, _ := p.screen(t, text, false); one != nil {
		one.open = false
	}
}

// pregreet takes what a client said before it was its turn. It is a session of postscreen's only if
// postscreen ends it.
func (p *Postfix) pregreet(t *postfixLine, text []byte) {
	one, rest := p.screen(t, text, false)
	said, ok := bytes.CutPrefix(rest, []byte(": "))
	if one == nil || !ok || one.greeted {
		return
	}
	line, _, whole := bytes.Cut(said, []byte(`\r\n`))
	verb, argument, _ := bytes.Cut(line, []byte(" "))
	switch {
	case bytes.EqualFold(verb, []byte("EHLO")):
		one.report.Verb = helo.VerbEHLO
	case bytes.EqualFold(verb, []byte("HELO")):
		one.report.Verb = helo.VerbHELO
	default:
		return // not SMTP
	}
	one.greeted, one.unread = true, !whole
	one.report.HELO = greetingText(unescape(argument))
	one.pregreeted = true
}

// screened takes a refusal, whose fields have commas between them. HELO is as smtpd writes it.
func (p *Postfix) screened(t *postfixLine, text []byte) {
	one, rest := p.screen(t, text, false)
	if one == nil {
		return
	}
	one.pregreeted = false
	end, read := parseEnd(withoutCommas(rest), false)
	if read != endRead {
		one.unread = true
		p.missed("postscreen: text behind helo=", t.text, t.line)
		return
	}
	end.apply(one, []byte("RCPT"))
}

// withoutCommas writes the end of a postscreen line as smtpd does: "from=<S>, to=<R>, proto=P,
// helo=<H>" without the commas. Those in S and R are in quotes, or not followed by these words.
func withoutCommas(text []byte) []byte {
	at := bytes.LastIndex(text, []byte(", proto="))
	if at < 0 {
		return text
	}
	end := bytes.Replace(text[at:], []byte(", "), []byte(" "), 2)
	front := text[:at]
	if to := bytes.LastIndex(front, []byte(">, to=<")); to >= 0 {
		front = append(append(bytes.Clone(front[:to]), "> to=<"...), front[to+len(">, to=<"):]...)
	}
	return append(bytes.Clone(front), end...)
}
