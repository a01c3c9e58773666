package mta

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"dnsbld/listing/helo"
)

// opensmtpdIdle is after how long in silence a session with OpenSMTPD is taken to have ended without
// a word. It gives a client five minutes.
const opensmtpdIdle = 10 * time.Minute

// OpenSMTPD reads the events that smtpd reports to its filters (smtpd-filters(7), versions 0.4 to
// 0.7 of the protocol, OpenSMTPD 6.6 and later), as a filter that writes them down has them:
// `blctl mta-config opensmtpd` prints one. smtpd's own log does not have the HELO.
//
//	report|VERSION|SECONDS.MICROS|smtp-in|link-connect|SESSION|NAME|pass|CLIENT:PORT|OURS:25
//	report|VERSION|TIME|smtp-in|link-identify|SESSION|EHLO|HELO
//	report|VERSION|TIME|smtp-in|link-auth|SESSION|USER|pass           before 0.5 the other way round
//	report|VERSION|TIME|smtp-in|tx-mail|SESSION|MESSAGE|ok|SENDER     before 0.5 the result last
//	report|VERSION|TIME|smtp-in|tx-rcpt|SESSION|MESSAGE|ok|RECIPIENT
//	report|VERSION|TIME|smtp-in|link-disconnect|SESSION
//
// Text of the client stands last, so that a bar in it means nothing. A session that was seen from its
// link-connect to its link-disconnect without a link-auth that passed is one of a client that had not
// authenticated. The port that it came to says which service that is.
type OpenSMTPD struct {
	*logReader
	open *sessions
}

// NewOpenSMTPD returns a reader that has read nothing.
func NewOpenSMTPD(o LogOptions) *OpenSMTPD {
	r := newLogReader(o)
	return &OpenSMTPD{r, newSessions(r, opensmtpdIdle)}
}

// Line takes the next line.
func (o *OpenSMTPD) Line(line []byte, emit func(Report)) {
	o.stats.Lines++
	fields := bytes.SplitN(line, []byte("|"), 7)
	if len(fields) < 6 || string(fields[0]) != "report" {
		o.malformed("a line that is no event of smtpd's; its own log does not have the HELO", line)
		return
	}
	seconds, err := strconv.ParseFloat(string(fields[2]), 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		o.malformed("an event without a time", line)
		return
	}
	o.stats.Known++
	if string(fields[3]) != "smtp-in" {
		return
	}
	at := time.UnixMicro(int64(seconds * 1e6)).UTC()
	o.Expire(at, emit)
	rest := []byte(nil)
	if len(fields) == 7 {
		rest = fields[6]
	}
	o.event(string(fields[4]), fields[5], rest, at, line, emit)
}

// event takes an event of a session. One whose beginning was not seen is left alone: it may have
// authenticated before.
func (o *OpenSMTPD) event(kind string, session, rest []byte, at time.Time, line []byte, emit func(Report)) {
	one := o.open.find(session)
	if kind == "link-connect" {
		one = o.open.start(session, fmt.Appendf(nil, "smtpd/%s", session), at, emit)
		one.report.Receiver = o.receiver(nil)
		o.connect(one, rest, line)
	}
	if one == nil {
		return
	}
	o.open.touch(one, at)
	o.open.keep(one, line)
	switch kind {
	case "link-identify":
		one.identify(rest)
	case "link-auth":
		one.report.Auth = one.report.Auth || bytes.HasPrefix(rest, []byte("pass|")) || bytes.HasSuffix(rest, []byte("|pass"))
	case "tx-mail":
		one.report.NullSender = one.report.NullSender || len(eventAddress(rest)) == 0
	case "tx-rcpt":
		one.report.Tried++
		one.report.addRecipient(eventAddress(rest))
	case "link-disconnect":
		one.noAuth = !one.report.Auth
		o.open.end(one, emit)
	}
}

// connect takes NAME|STATE|CLIENT:PORT|OURS:PORT. A local client has no address, and is no session.
func (o *OpenSMTPD) connect(one *session, rest, line []byte) {
	parts := bytes.Split(rest, []byte("|"))
	if len(parts) != 4 {
		one.unread = true
		o.missed("link-connect with other fields", nil, line)
		return
	}
	client, err := netip.ParseAddrPort(string(parts[2]))
	if err != nil {
		return
	}
	one.report.Client = client.Addr().Unmap().WithZone("")
	if string(parts[1]) == "pass" {
		one.report.PTR, one.report.FCrDNS = []string{string(parts[0])}, true
	}
	if ours, err := netip.ParseAddrPort(string(parts[3])); err == nil {
		one.report.OurIPs = append(one.report.OurIPs, ours.Addr().Unmap())
		one.connectedTo(strconv.Itoa(int(ours.Port())), o.o.Services)
	}
}

// identify takes METHOD|HELO, the first time.
func (one *session) identify(rest []byte) {
	verb, said, ok := bytes.Cut(rest, []byte("|"))
	switch {
	case one.greeted:
	case !ok:
		one.unread = true // version 1 of the protocol has the HELO alone
	default:
		one.greeted, one.report.HELO, one.report.Verb = true, greetingText(said), helo.Verb(bytes.ToUpper(verb))
	}
}

// eventAddress is the address in MESSAGE|RESULT|ADDRESS, or MESSAGE|ADDRESS|RESULT as it was before.
func eventAddress(rest []byte) []byte {
	_, rest, _ = bytes.Cut(rest, []byte("|"))
	if result, address, ok := bytes.Cut(rest, []byte("|")); ok && beginsWith(result, []string{"ok", "permfail", "tempfail"}) {
		return bytes.Trim(address, "<>")
	}
	if at := bytes.LastIndexByte(rest, '|'); at >= 0 {
		rest = rest[:at]
	}
	return bytes.Trim(rest, "<>")
}
