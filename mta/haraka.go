package mta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"dnsbld/listing/helo"
)

// harakaIdle is after how long in silence a connection to Haraka is taken to have ended without a
// word. It gives a client five minutes.
const harakaIdle = 10 * time.Minute

// Haraka reads Haraka's log in its default form, in logfmt and in JSON (format in log.ini, with
// timestamps), alone or behind syslog. A session is one connection; the HELO is in the line that ends
// it, and so is whether the client was let relay, which only those are who have authenticated or are
// trusted. The lines are those of connection.js of Haraka 2.8 to 3.3, in the forms of its logger.js:
//
//	STAMP [NOTICE] [UUID] [core] connect ip=CLIENT port=N local_ip=OURS local_port=25
//	STAMP [NOTICE] [UUID.1] [core] recipient <RECIPIENT> code=DENY msg="…" sender=SENDER
//	STAMP [NOTICE] [UUID.1] [core] disconnect ip=CLIENT rdns=NAME helo=HELO relay=N early=N esmtp=Y …
//	STAMP level=NOTICE uuid=UUID origin=core message=connect ip=CLIENT …
//	STAMP {"level":"NOTICE","uuid":"UUID","origin":"core","message":"connect","ip":"CLIENT",…}
//
// HELO is the first word that the client said. Behind a proxy only the last line has the client.
type Haraka struct {
	*logReader
	open *sessions
}

// harakaLine is what one line says of a connection, whatever its form.
type harakaLine struct {
	uuid, message                        []byte
	ip, localIP, localPort, relay, esmtp []byte
	said                                 []byte // the HELO
}

// NewHaraka returns a reader that has read nothing.
func NewHaraka(o LogOptions) *Haraka {
	r := newLogReader(o)
	return &Haraka{r, newSessions(r, harakaIdle)}
}

// Line takes the next line.
func (h *Haraka) Line(line []byte, emit func(Report)) {
	h.stats.Lines++
	l := syslogLine{}
	if l.stamp, l.text, _ = bytes.Cut(line, []byte(" ")); !beginsWith(l.text, harakaBegins[:]) {
		var ok bool
		if l, ok = splitSyslog(line); !ok || !bytes.HasPrefix(l.program, []byte("haraka")) {
			return // Haraka says a few things without a time when it starts
		}
	}
	what, ok := parseHaraka(l.text)
	if !ok {
		return
	}
	at, ok := h.stamps.of(&l)
	if !ok {
		h.malformed("a line without a time", line)
		return
	}
	h.stats.Known++
	h.Expire(at, emit)
	id, _, _ := bytes.Cut(what.uuid, []byte(".")) // the number of the mail
	one := h.open.find(id)
	if one == nil {
		one = h.open.start(id, fmt.Appendf(nil, "%s/%s", l.host, id), at, emit)
		one.report.Receiver = h.receiver(l.host)
	}
	h.open.touch(one, at)
	h.open.keep(one, line)
	h.take(one, &what, line, emit)
}

// harakaBegins are how a line's text begins in each of the forms.
var harakaBegins = [...]string{"[", "level=", `{"level":`}

// parseHaraka reads what the core says of a connection.
func parseHaraka(text []byte) (what harakaLine, ok bool) {
	if bytes.HasPrefix(text, []byte("{")) {
		return parseHarakaJSON(text)
	}
	var rest []byte
	if rest, ok = bytes.CutPrefix(text, []byte("[NOTICE] [")); ok {
		what.uuid, rest, ok = bytes.Cut(rest, []byte("] [core] "))
	} else if rest, ok = bytes.CutPrefix(text, []byte("level=NOTICE uuid=")); ok {
		if what.uuid, rest, ok = bytes.Cut(rest, []byte(" origin=core message=")); ok && bytes.HasPrefix(rest, []byte(`"`)) {
			before, after, _ := bytes.Cut(rest[1:], []byte(`"`)) // "recipient <…>"
			rest = append(bytes.Clone(before), after...)
		}
	}
	what.message = rest
	if fields, is := bytes.CutPrefix(rest, []byte("connect ")); is {
		what.message = rest[:len("connect")]
		what.ip = harakaField(&fields, "ip=")
		what.localIP, what.localPort = harakaField(&fields, " local_ip="), harakaField(&fields, " local_port=")
	} else if fields, is := bytes.CutPrefix(rest, []byte("disconnect ")); is {
		what.message = rest[:len("disconnect")]
		what.ip, what.said = harakaField(&fields, "ip="), bytes.Trim(harakaField(&fields, " helo="), `"`)
		what.relay, what.esmtp = harakaField(&fields, " relay="), harakaField(&fields, " esmtp=")
	}
	return what, ok && len(what.uuid) >= 8
}

// parseHarakaJSON reads the same from an object.
func parseHarakaJSON(text []byte) (harakaLine, bool) {
	var o struct {
		Level, UUID, Origin, Message, IP, HELO, Relay, ESMTP string

		LocalIP   string `json:"local_ip"`
		LocalPort any    `json:"local_port"`
	}
	if json.Unmarshal(text, &o) != nil || o.Level != "NOTICE" || o.Origin != "core" || len(o.UUID) < 8 {
		return harakaLine{}, false
	}
	return harakaLine{uuid: []byte(o.UUID), message: []byte(o.Message), ip: []byte(o.IP), localIP: []byte(o.LocalIP),
		localPort: fmt.Append(nil, o.LocalPort), relay: []byte(o.Relay), esmtp: []byte(o.ESMTP), said: []byte(o.HELO)}, true
}

// take adds a line to its session.
func (h *Haraka) take(one *session, what *harakaLine, line []byte, emit func(Report)) {
	switch string(what.message) {
	case "connect":
		one.report.Client, _ = parseClient(what.ip)
		if ours, ok := parseClient(what.localIP); ok {
			one.report.OurIPs = append(one.report.OurIPs, ours)
		}
		one.connectedTo(string(what.localPort), h.o.Services)
	case "disconnect":
		h.disconnect(one, what, line)
		h.open.end(one, emit)
	default:
		if rest, ok := bytes.CutPrefix(what.message, []byte("recipient <")); ok {
			one.report.Tried++
			if mailbox, _, ok := cutQuoted(rest, '>'); ok {
				one.report.addRecipient(mailbox)
			}
		}
	}
}

// disconnect takes what is known of a connection at its end.
func (h *Haraka) disconnect(one *session, what *harakaLine, line []byte) {
	client, ok := parseClient(what.ip)
	if !ok || len(what.relay) == 0 {
		one.unread = true
		h.missed("disconnect without ip= or relay=", nil, line)
		return
	}
	s := &one.report.Session
	s.Client = client
	s.Auth, one.noAuth = string(what.relay) == "Y", string(what.relay) == "N"
	if len(what.said) > 0 {
		one.greeted, s.HELO, s.Verb = true, greetingText(what.said), helo.VerbHELO
		if string(what.esmtp) == "Y" {
			s.Verb = helo.VerbEHLO
		}
	}
}

// harakaField cuts the value of the next field with a key from fields, up to a blank. The fields are
// in one order, and HELO has no blanks.
func harakaField(fields *[]byte, key string) []byte {
	_, rest, ok := bytes.Cut(*fields, []byte(key))
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte(" "))
	*fields = rest[len(value):]
	return value
}
