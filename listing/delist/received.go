package delist

import (
	"context"
	"net/mail"
	"net/netip"
	"strings"
	"time"
)

// hop is one Received line: what the server that wrote it saw of the host that
// connected (RFC 5321, section 4.4).
type hop struct {
	text      string
	helo      string     // how the host greeted; empty if the line does not tell
	ptr       string     // its name in reverse DNS, if any
	confirmed bool       // and that name resolves back to the address
	addr      netip.Addr // the host's
	by        string     // who wrote the line
	byAddrs   []netip.Addr
	time      time.Time
	inner     bool // a user handing in mail, or a hop inside one network
}

var (
	receivedMark = lazy(`(?i)\breceived\s?:\s?\(?from\s`)
	byClause     = lazy(`(?i)[\s)]by\s`)
	mailDate     = lazy(`(?:[A-Z][a-z]{2},\s?)?\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}(?::\d{2})?\s(?:[+-]\d{4}|GMT|UTC?)\b`)
	heloWord     = lazy(`(?i)\b(?:helo|ehlo)(?:=|\s)\s?(\[[^\s\]]*\]|[^\s()]+)`)
	emptyHELO    = lazy(`(?i)\((?:helo|ehlo)\s?\)`)
	claiming     = lazy(`(?i)\bclaiming to be "?([^"\s]*)`)
	byUser       = lazy(`(?i)\(uid \d+\)|\bwith local\b`)
	insideParens = lazy(`\(\s?(?:IDENT:)?(?:[^\s()@\[]*@)?([A-Za-z0-9][A-Za-z0-9._-]*)\s?\[`)
	submitted    = lazy(`(?i)\bwith (?:esmtpa|esmtpsa|asmtp|lmtpa|utf8smtps?a|https?|mapi|local)\b|\bauthenticated\b|\bauth=`)
	notConfirmed = lazy(`(?i)may be forged|not verified|unverified|misconfigured`)
	exchangeMark = lazy(`(?i)\bwith (?:microsoft smtp server|mapi|smtp server id)\b`)
	eximMark     = lazy(`(?i)\(exim\b`)
)

// maxHop is how far one Received line is read, in octets.
const maxHop = 1200

// hops reads the Received lines in flattened text.
func hops(ctx context.Context, flat string) []hop {
	var all []hop
	marks := receivedMark.FindAllStringIndex(flat, maxClaims)
	for n, m := range marks {
		if ctx.Err() != nil {
			break
		}
		end := min(len(flat), m[1]+maxHop)
		if n+1 < len(marks) {
			end = min(end, marks[n+1][0])
		}
		if h, ok := parseHop(flat[m[1]:end]); ok {
			h.text = "Received: from " + h.text
			all = append(all, h)
		}
	}
	return all
}

// parseHop reads what follows "Received: from".
func parseHop(s string) (hop, bool) {
	var h hop
	if d := mailDate.FindStringIndex(s); d != nil {
		h.time = parseDate(s[d[0]:d[1]])
		s = s[:d[1]]
	} else {
		s = s[:min(len(s), 400)]
	}
	h.text = strings.TrimSpace(s)
	from, by := s, ""
	if m := byClause.FindStringIndex(s); m != nil {
		from, by = s[:m[0]+1], s[m[1]:]
		h.by = hostName(strings.SplitN(by, " ", 2)[0])
		for _, a := range addresses(cutDate(by)) {
			h.byAddrs = append(h.byAddrs, a.addr)
		}
	}
	first, rest := strings.TrimSpace(from), ""
	if n := strings.IndexAny(first, " ("); n >= 0 {
		first, rest = first[:n], first[n:]
	}
	if byUser.MatchString(s) { // a program on that host: nobody greeted
		h.inner = true
		return h, h.by != "" && !h.time.IsZero()
	}
	h.read(first, rest, by)
	h.inner = submitted.MatchString(s) || (h.confirmed && sameSite(h.ptr, h.by))
	return h, h.addr.IsValid() || h.by != "" && !h.time.IsZero()
}

// forms are the ways in which mail servers write down who connected, the plainest
// mark of each first. A form that is not a line's leaves the hop alone.
var forms = [...]func(h *hop, first, rest, by string) bool{
	emptyForm, claimingForm, wordForm, parenthesesForm, eximBareForm, eximNamedForm, qmailForm,
}

// read tells the greeting from the name by the form of each mail server. first is
// the word behind "from", rest what follows it, by the part behind "by".
func (h *hop) read(first, rest, by string) {
	for _, form := range forms {
		if form(h, first, rest, by) {
			return
		}
	}
	h.helo, h.addr = first, firstAddr(rest, first)
}

// emptyForm: qmail and Yahoo write "(HELO )" where nothing was said.
func emptyForm(h *hop, first, rest, _ string) bool {
	if !emptyHELO.MatchString(rest) {
		return false
	}
	h.ptr, h.addr = hostName(first), firstAddr(rest, first)
	return true
}

// claimingForm: the SMTP proxy of obtuse writes "NAME (claiming to be HELO)".
func claimingForm(h *hop, first, rest, _ string) bool {
	m := claiming.FindStringSubmatch(rest)
	if m == nil {
		return false
	}
	h.helo, h.ptr, h.addr = m[1], hostName(first), firstAddr(rest, first)
	return true
}

// wordForm: Exim writes "helo=x" and qmail "HELO x"; Exim alone has checked that
// the name leads back.
func wordForm(h *hop, first, rest, _ string) bool {
	m := heloWord.FindStringSubmatch(rest)
	if m == nil {
		return false
	}
	h.helo, h.ptr = m[1], hostName(first)
	h.confirmed = h.ptr != "" && strings.Contains(m[0], "=")
	h.addr = firstAddr(strings.Replace(rest, m[0], "", 1), first)
	return true
}

// parenthesesForm: Postfix and sendmail write "HELO (NAME [ADDRESS])".
func parenthesesForm(h *hop, first, rest, _ string) bool {
	m := insideParens.FindStringSubmatch(rest)
	if m == nil {
		return false
	}
	h.helo, h.ptr, h.addr = first, hostName(m[1]), firstAddr(rest, first)
	h.confirmed = h.ptr != "" && !notConfirmed.MatchString(rest)
	return true
}

// eximBareForm: Exim writes the address alone where it noted no greeting.
func eximBareForm(h *hop, first, rest, by string) bool {
	a := firstAddr(rest, first)
	if strings.Trim(first, "[]") != a.String() || !eximMark.MatchString(by) {
		return false
	}
	h.addr = a
	return true
}

// eximNamedForm: Exim writes the confirmed name once where the host greeted with
// it.
func eximNamedForm(h *hop, first, rest, by string) bool {
	if !eximMark.MatchString(by) || !strings.Contains(rest, "[") {
		return false
	}
	h.helo, h.ptr, h.addr = first, hostName(first), firstAddr(rest, first)
	h.confirmed = h.ptr != ""
	return true
}

// qmailForm: qmail writes "NAME (ADDRESS)" where the host greeted with its name.
// In brackets, or from Exchange, the word is the greeting alone.
func qmailForm(h *hop, first, rest, by string) bool {
	if strings.Contains(rest, "[") || exchangeMark.MatchString(by) || !strings.Contains(rest, "(") {
		return false
	}
	h.helo, h.ptr, h.addr = first, hostName(first), firstAddr(rest, first)
	return true
}

func firstAddr(texts ...string) netip.Addr {
	for _, t := range texts {
		if all := addresses(t); len(all) > 0 {
			return all[0].addr
		}
	}
	return netip.Addr{}
}

func cutDate(s string) string {
	if d := mailDate.FindStringIndex(s); d != nil {
		return s[:d[0]]
	}
	return s
}

// parseDate reads a date of RFC 5322, section 3.3; zones by name are refused
// but for those that mean UTC. The zero time: it is none.
func parseDate(s string) time.Time {
	for _, utc := range []string{"GMT", "UTC", "UT"} {
		if rest, found := strings.CutSuffix(s, " "+utc); found {
			s = rest + " +0000"
		}
	}
	s = strings.Replace(s, ",", ", ", 1)
	t, err := mail.ParseDate(strings.Join(strings.Fields(s), " "))
	if err != nil || t.Year() < 1990 || t.Year() > 9000 {
		return time.Time{}
	}
	return t.UTC()
}

var properName = lazy(`^[A-Za-z0-9_]([A-Za-z0-9_-]*\.)+[A-Za-z][A-Za-z0-9-]*$`)

// hostName is s if it is a full host name, in lower case; else empty.
func hostName(s string) string {
	s = strings.ToLower(strings.TrimRight(strings.Trim(s, "()<>;,"), "."))
	if len(s) > 253 || !properName.MatchString(s) {
		return ""
	}
	return s
}

// sameSite reports whether two host names share their registered domain, as
// far as that can be told from the names.
func sameSite(a, b string) bool {
	return a != "" && b != "" && site(a) == site(b)
}

func site(name string) string {
	labels := strings.Split(name, ".")
	n := 2
	if len(labels) > 2 && len(labels[len(labels)-2]) <= 3 { // example.co.uk
		n = 3
	}
	return strings.Join(labels[max(0, len(labels)-n):], ".")
}
