package delist

import (
	"context"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// Limits of a finding.
const (
	maxClaims    = 40
	maxAddresses = 500
	maxText      = 400 // octets of a claim
)

// claimValues are what each kind of claim proves, and what it does not.
var claimValues = map[removal.ClaimKind][2]string{
	removal.ClaimReceived: {
		"what the server that wrote the line saw: the address that connected, the greeting it sent, and the time",
		"how other sessions from the same address greeted; and what was pasted cannot be checked"},
	removal.ClaimBounce: {
		"that a receiving server refused mail, and which list it named",
		"which greeting led to the listing, or whether it is still there"},
	removal.ClaimLog: {
		"what that server noted of the session",
		"how other programs or machines behind the same address greet; and what was pasted cannot be checked"},
	removal.ClaimBanner: {
		"what the server answers to those who connect to it, which is inbound information",
		"what is said in HELO when mail is sent; that is another setting, and may be another machine"},
	removal.ClaimRDNS: {
		"what you found in reverse DNS, which is good to have in order; no listing for a greeting rests on it",
		"what was said in HELO; and a greeting that merely differs from the reverse name lists nobody"},
	removal.ClaimRcpt: {
		`that the words were misleading: "matches rcpt" is not about the command RCPT TO; it means that the greeting was the recipient's own domain`,
		"what was said in HELO"},
	removal.ClaimTelnet: {
		"that a server answers on port 25, and what it answers, which is inbound information",
		"what is said in HELO when mail is sent by itself; words typed by hand are not what the server sends"},
}

func newClaim(kind removal.ClaimKind, text string) removal.Claim {
	w := claimValues[kind]
	return removal.Claim{Kind: kind, Text: clip(strings.TrimSpace(text), maxText), Proves: w[0], DoesNotProve: w[1]}
}

// proves says what a claim proves in a language.
func proves(in *language.Language, c removal.Claim) string {
	greeted := c.Kind == removal.ClaimReceived && c.Addr.IsValid() && c.HELO != ""
	switch {
	case c.List != "":
		return in.Say("that a receiving server refused mail because of the list %s", c.List)
	case c.Proves == inside[0]:
		return in.Word(inside[0])
	case greeted && c.Confirmed:
		return in.Say("that %s greeted that server as %s, and that its reverse name %s led back to it", c.Addr, clip(c.HELO, 80), c.PTR)
	case greeted:
		return in.Say("that %s greeted that server as %s", c.Addr, clip(c.HELO, 80))
	}
	return in.Word(claimValues[c.Kind][0])
}

// provesNot says what a claim does not prove.
func provesNot(in *language.Language, c removal.Claim) string {
	switch {
	case c.List != "":
		return in.Say("anything about this list: %s is another one, and a removal from it has to be asked for there", c.List)
	case c.DoesNotProve == inside[1]:
		return in.Word(inside[1])
	}
	return in.Word(claimValues[c.Kind][1])
}

// inside is what a hop inside one network proves, and what not.
var inside = [2]string{"how mail moved inside one network, or was handed in by a user",
	"anything about the connection to our servers, and only that one counts"}

// clip is s in printable ASCII, at most limit octets.
func clip(s string, limit int) string {
	s = listing.Printable(s)
	if len(s) > limit {
		s = s[:limit-3] + "..."
	}
	return s
}

func (h hop) claim() removal.Claim {
	c := newClaim(removal.ClaimReceived, h.text)
	c.Addr, c.HELO, c.PTR, c.Confirmed, c.Time = h.addr, h.helo, h.ptr, h.confirmed, h.time
	if h.inner {
		c.Proves, c.DoesNotProve = inside[0], inside[1]
	}
	c.Proves = proves(nil, c)
	return c
}

// pattern finds claims of one kind.
type pattern struct {
	kind removal.ClaimKind
	re   *expr
	most int // claims that it makes
	back int // octets of context before
	on   int // and after
}

// patterns are tried on flattened text, in this order.
var patterns = []pattern{
	{removal.ClaimLog, lazy(`(?i)\b(?:postfix\S*/smtpd?\[\d+\]:|sendmail\[\d+\]:|sm-mta\[\d+\]:|H=\S+ (?:\(\S+\) )?\[|status=(?:bounced|deferred|sent)\b|starting delivery \d+:|delivery \d+: (?:failure|deferral|success):|ruleset=check_\w+|\d+,[<>],(?:EHLO|HELO) )`), 10, 60, 500},
	{removal.ClaimTelnet, lazy(`(?i)\btelnet\s+\S+\s+(?:25|smtp)\b|\bTrying [0-9a-f.:]+\s?\.\.\.|\bConnected to \S+\s+Escape character`), 3, 10, 300},
	{removal.ClaimBanner, lazy(`(?i)\b220[ -][A-Za-z0-9.-]+\S* ESMTP\b|\b220[ -]\S+ .{0,40}\bSMTP\b`), 3, 0, 120},
	{removal.ClaimBounce, lazy(`(?i)\b(?:5\d\d|4\d\d)[ -]#?[45]\.\d{1,3}\.\d{1,3}\b|\b(?:55[0-9])[ -]\S.{0,80}(?:block|list|refus|reject|denied)|\bblocked using\b|\bblocked by [a-z0-9-]+\.[a-z0-9.-]+|\bblocked - see\b|\bgreeted our servers\b|\bDiagnostic-Code:|\bdoes not like recipient|\b127\.0\.0\.\d{1,3}\b`), 5, 120, 300},
	{removal.ClaimRDNS, lazy(`(?i)\br(?:everse)?[ -]?dns\b|\bptr records?\b|\bdomain name pointer\b|\bin-addr\.arpa\b|\bip6\.arpa\b`), 3, 160, 200},
	{removal.ClaimRcpt, lazy(`(?i)\brcpt[ -]?to\b(?:[^:]|$)|\bmatches rcpt\b`), 3, 160, 200},
}

// claims finds what is offered in flattened text, the Received lines first.
func claims(ctx context.Context, flat string, trail []hop) []removal.Claim {
	var all []removal.Claim
	for _, h := range trail {
		all = append(all, h.claim())
	}
	taken := make([][2]int, 0, maxClaims)
	for _, p := range patterns {
		if ctx.Err() != nil {
			break
		}
		made, own := 0, [][2]int(nil)
		for _, m := range p.re.FindAllStringIndex(flat, maxClaims) {
			if made == p.most || len(all) >= maxClaims {
				break
			}
			if overlaps(taken, m[0]) || overlaps(own, m[0]) {
				continue
			}
			from, to := p.around(flat, m[0], m[1])
			c := newClaim(p.kind, flat[from:to])
			study(&c, flat[from:to])
			all = append(all, c)
			own = append(own, [2]int{m[0], to})
			made++
		}
		if p.kind == removal.ClaimLog || p.kind == removal.ClaimBounce { // what a program wrote holds no claims of people
			taken = append(taken, own...)
		}
	}
	return all
}

func overlaps(taken [][2]int, at int) bool {
	for _, t := range taken {
		if t[0] <= at && at < t[1] {
			return true
		}
	}
	return false
}

// around is the stretch of text that a find belongs to. What people write ends
// with the sentence, a banner with its quotation, and a line of a log begins with
// its date.
func (p pattern) around(flat string, start, end int) (from, to int) {
	from, to = sentenceAround(flat, start, end, p.back, p.on)
	switch p.kind {
	case removal.ClaimLog:
		from = lineStart(flat, start, from)
	case removal.ClaimTelnet:
		if n := strings.Index(flat[end:to], `". `); n >= 0 {
			to = end + n + 1
		}
	case removal.ClaimRDNS, removal.ClaimRcpt:
		if n := sentenceEnd.FindStringIndex(flat[end:to]); n != nil {
			to = end + n[0] + 1
		}
	case removal.ClaimBanner:
		if n := strings.IndexByte(flat[end:to], '"'); n >= 0 {
			to = end + n
		}
	}
	return from, to
}

// sentenceEnd is where a sentence ends. A number or a name with dots in it does
// not end one.
var sentenceEnd = lazy(`[.!?]['")]* [A-Z]`)

// sentenceAround widens a find to the words around it, within limits, and
// leaves half words out.
func sentenceAround(flat string, start, end, back, on int) (from, to int) {
	from, to = max(0, start-back), min(len(flat), end+on)
	if n := strings.LastIndex(flat[from:start], ". "); n >= 0 {
		from += n + 2
	} else if n := strings.IndexByte(flat[from:start], ' '); from > 0 && n >= 0 {
		from += n + 1
	}
	if n := receivedMark.FindStringIndex(flat[end:to]); n != nil {
		to = end + n[0]
	}
	if n := strings.LastIndexByte(flat[end:to], ' '); to < len(flat) && n >= 0 {
		to = end + n
	}
	return from, to
}

// logStart is how lines of a log begin.
var logStart = lazy(`\b(?:\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}|[A-Z][a-z]{2} [ \d]?\d \d{2}:\d{2}:\d{2})`)

// lineStart is where the line of a log begins that has something at a place;
// without a date before it, where the words around it begin.
func lineStart(flat string, at, words int) int {
	back := max(0, at-120)
	if all := logStart.FindAllStringIndex(flat[back:at], -1); len(all) > 0 {
		return back + all[len(all)-1][0]
	}
	return words
}

var (
	// ofClient are the forms in which mail servers name who connected.
	ofClient = lazy(`(?i)(?:client host|client|RCPT from \S+?|EHLO from \S+?|connect from \S+?|your (?:ip|host|address)|sender ip|Hello \S+|hello) ?\(?\[?\s?(?:ip:?\s?)?([0-9a-f.:]{3,45})\s?\]?`)
	// inPage is the address at the end of the page that our TXT names.
	inPage = lazy(`(?i)https?://[^\s/<>"]+(?:/[^\s/<>"]*){0,3}?[/=?]([0-9a-f.:]{3,45})\b`)
	// reverseName is an address in the reverse zone.
	reverseName = lazy(`\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\b`)
	pointer     = lazy(`(?i)\bpointer ([A-Za-z0-9._-]+)`)
	logHELO     = lazy(`(?i)\b(?:helo|ehlo)(?:=<?|,|\s)\s?(\[[^\s\]]*\]|[^\s()<>,;]+)`)
	eximLog     = lazy(`\bH=(\S+) \((\S+)\) \[|\bH=\((\S+)\) \[`)
	logTime     = lazy(`\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|\s?[+-]\d{2}:?\d{2})`)
)

// study reads from the text of a claim what it says of address, greeting, name
// and time.
func study(c *removal.Claim, text string) {
	switch c.Kind {
	case removal.ClaimLog, removal.ClaimBounce, removal.ClaimTelnet:
		for _, re := range []*expr{ofClient, inPage} {
			if m := re.FindStringSubmatch(text); m != nil && !c.Addr.IsValid() {
				c.Addr = firstAddr(strings.Trim(m[1], ".:"))
			}
		}
		c.Time = claimTime(text)
	case removal.ClaimRDNS:
		if m := reverseName.FindStringSubmatch(text); m != nil {
			c.Addr = firstAddr(m[4] + "." + m[3] + "." + m[2] + "." + m[1])
		}
		if m := pointer.FindStringSubmatch(text); m != nil {
			c.PTR = hostName(m[1])
		}
	}
	if c.Kind != removal.ClaimLog {
		return
	}
	if m := eximLog.FindStringSubmatch(text); m != nil {
		c.HELO = m[2] + m[3]
	} else if m := logHELO.FindStringSubmatch(text); m != nil {
		c.HELO = strings.TrimSuffix(m[1], ">")
	}
}

func claimTime(text string) time.Time {
	if m := mailDate.FindString(text); m != "" {
		return parseDate(m)
	}
	m := logTime.FindString(text)
	if m == "" {
		return time.Time{}
	}
	m = strings.Replace(m, " ", "T", 1)
	m = strings.ReplaceAll(m, " ", "")
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, m); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
