package delist

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing/removal"
)

// Triage reads a mail or pasted text, at most 1 MiB of it. It believes nothing:
// it says what is claimed, what that would prove, and what not. Automatic says
// why no program may answer it; it is empty for text that is no mail.
//
// The only errors are those of reading, and that of ctx, which ends the work.
func Triage(ctx context.Context, r io.Reader, ours Ours) (removal.Finding, error) {
	raw, cut, err := readAll(r)
	if err != nil {
		return removal.Finding{}, fmt.Errorf("reading the mail: %w", err)
	}
	box := open(raw)
	text, letters := ours.apart(ctx, box.text.String()[:min(box.text.Len(), maxPart)])
	if err := ctx.Err(); err != nil {
		return removal.Finding{}, err
	}
	cut = cut || box.text.Len() >= maxPart
	flat := flatten(text)
	if len(flat) > maxFlat {
		flat, cut = flat[:maxFlat], true
	}
	f := find(ctx, flat)
	if len(f.Candidates) == 0 && box.outer != "" {
		// The body names no address: what brought the mail here may be the sample.
		outer := find(ctx, flatten(box.outer[:min(len(box.outer), maxFlat)])+" ; "+flat)
		outer.References, outer.Server = f.References, f.Server
		f = outer
	}
	attribute(&f, ours.Names)
	f.Reply = letters != ""
	for _, r := range references(flatten(letters)) {
		if !slices.Contains(f.References, r) && len(f.References) < mostReferences {
			f.References = append(f.References, r)
		}
	}
	own := flatten(ownWords(text))
	f.Asks, f.Against = intent(own[:min(len(own), maxOwn)], refuses(f.Claims))
	f.Cut, f.Human = cut, f.Human || cut
	if box.mail {
		f.From, f.MessageID = box.header.Get("From"), box.header.Get("Message-Id")
		f.Automatic, _ = Automatic(&box.header)
		f.Language = clip(strings.TrimSpace(box.header.Get("Content-Language")), maxLanguage)
	}
	return f, ctx.Err()
}

// maxLanguage is how much of a declared language is kept.
const maxLanguage = 35

// find reads flattened text, as far as ctx lets it.
func find(ctx context.Context, flat string) removal.Finding {
	trail := hops(ctx, flat)
	all := claims(ctx, flat, trail)
	f := removal.Finding{Candidates: []netip.Addr{}, PTR: []string{}, Claims: all}
	if ctx.Err() == nil {
		f.Candidates, f.References, f.Server = candidates(flat, trail, all), references(flat), serverIn(flat)
	}
	if f.Claims == nil {
		f.Claims = []removal.Claim{}
	}
	f.Settle()
	return f
}

// otherList is how refusals name the list that they go by.
var otherList = lazy(`(?i)\b(?:(?:blocked|rejected|refused|denied) using|(?:black|block)?listed (?:in|on|at|by|with)|blocked by|found (?:in|on)|(?:rbl|dnsbl|blocklist|blacklist)[:=]) ?(?:the )?"?((?:[a-z0-9-]+\.)+[a-z]{2,})`)

// attribute says of refusals that name another list, and not this one, that they
// are that list's.
func attribute(f *removal.Finding, ours []string) {
	if len(ours) == 0 {
		return
	}
	for n := range f.Claims {
		c := &f.Claims[n]
		if c.Kind != removal.ClaimBounce && c.Kind != removal.ClaimLog {
			continue
		}
		text := strings.ToLower(c.Text)
		m := otherList.FindStringSubmatch(text)
		if m == nil || slices.ContainsFunc(ours, func(name string) bool { return name != "" && strings.Contains(text, strings.ToLower(name)) }) {
			continue
		}
		c.List = m[1]
		c.Proves, c.DoesNotProve = proves(nil, *c), provesNot(nil, *c)
		if f.OtherList == "" {
			f.OtherList = c.List
		}
	}
}

// receiving are the forms in which texts name the host that mail went to, or
// the one where it was written.
var receiving = []*expr{
	lazy(`(?i)\brelay=\S+ ?\[?([0-9a-f.:]+)\]?(?::\d+)?, ?(?:conn_use=|delay|dsn=|stat)`),
	lazy(`(?i)\bhost \S+? ?\[([0-9a-f.:]+)\](?::\d+)? (?:said|refused|timed)`),
	lazy(`(?i)\bT=\S+ H=\S+ \[([0-9a-f.:]+)\]`),
	lazy(`(?i)\bhost \S+ \[([0-9a-f.:]+)\](?:: |:\d+)? ?(?:SMTP error|\d{3}[ -])`),
	lazy(`(?i)\b(?:remote-mta|reporting-mta|received-from-mta): ?\w+; ?\S+ ?[(\[]+([0-9a-f.:]+)[)\]]`),
	lazy(`(?i)([0-9a-f.:]{3,45})[_ ](?:does[_ ]not[_ ]like|failed[_ ]after|said:)`),
	lazy(`(?i)\bx-(?:originating|sender|client)-ip ?: ?\[?([0-9a-f.:]{3,45})\b`), // the author's own
	lazy(`(?i)\bconnected to ([0-9a-f.:]{3,45}) but\b`),
	lazy(`(?i)\bremote host said: .{0,40}\bfrom ([0-9a-f.:]{3,45})\b`),
	lazy(`\b((?:\d{1,3}\.){3}\d{1,3}):(?:25|465|587)\b`),
}

// trying is what telnet says of the server that it connects to.
var trying = lazy(`(?i)\btrying ([0-9a-f.:]{3,45}?)\s?\.\.\.`)

// candidates are the addresses that the text can be about. One that a mail
// server names as its client stays, even if it is named elsewhere as a
// receiver: then a person decides.
func candidates(flat string, trail []hop, all []removal.Claim) []netip.Addr {
	out := map[netip.Addr]bool{}
	for _, h := range trail {
		if h.inner && h.addr.IsValid() {
			out[h.addr] = true
		}
		for _, a := range h.byAddrs {
			out[a] = true
		}
	}
	for _, re := range receiving {
		for _, m := range re.FindAllStringSubmatch(flat, maxAddresses) {
			if a := firstAddr(strings.Trim(m[1], ".:")); a.IsValid() {
				out[a] = true
			}
		}
	}
	for _, m := range trying.FindAllStringSubmatch(flat, maxAddresses) {
		if a := firstAddr(m[1]); a.IsValid() && !strings.Contains(flat, "telnet "+m[1]) {
			out[a] = true
		}
	}
	asClient(out, trail, all)
	beforeRefusal(out, trail, all)
	return remaining(flat, out, all)
}

// beforeRefusal counts out the hops of a mail that was refused: they lie before
// the connection that the refusal is about.
func beforeRefusal(out map[netip.Addr]bool, trail []hop, all []removal.Claim) {
	if !slices.ContainsFunc(all, func(c removal.Claim) bool { return c.Kind == removal.ClaimBounce && candidate(c.Addr) }) {
		return
	}
	for _, h := range trail {
		out[h.addr] = true
	}
	for _, c := range all {
		if c.Kind == removal.ClaimBounce {
			delete(out, c.Addr)
		}
	}
}

// asClient takes back what clients were counted out.
func asClient(out map[netip.Addr]bool, trail []hop, all []removal.Claim) {
	for _, h := range trail {
		if !h.inner {
			delete(out, h.addr)
		}
	}
	for _, c := range all {
		if c.Kind == removal.ClaimBounce || c.Kind == removal.ClaimLog || c.Kind == removal.ClaimTelnet {
			delete(out, c.Addr)
		}
	}
}

// remaining are the addresses in the text and in the claims, without those that
// are out.
func remaining(flat string, out map[netip.Addr]bool, all []removal.Claim) []netip.Addr {
	found := []netip.Addr{}
	add := func(a netip.Addr) {
		if candidate(a) && !out[a] && !slices.Contains(found, a) && len(found) < maxCandidates {
			found = append(found, a)
		}
	}
	for _, s := range addresses(flat) {
		if !isRange(flat, s) && !isGreeting(flat, s) {
			add(s.addr)
		}
	}
	for _, c := range all {
		if c.Addr.IsValid() && c.Kind != removal.ClaimReceived {
			add(c.Addr)
		}
	}
	return found
}

// mostReferences is how many numbers of incidents are named.
const mostReferences = 20

// maxCandidates is how many are named; from two on a person decides anyway.
const maxCandidates = 20

var greetingBefore = lazy(`(?i)(?:\b(?:helo|ehlo)(?:=<?|,|\s)\s?|\breceived\s?:\s?from\s)\[?(?:ipv6:)?$`)

// isGreeting reports whether an address is what somebody said in HELO: that
// may be anybody's.
func isGreeting(flat string, s sighted) bool {
	if !greetingBefore.MatchString(flat[max(0, s.start-30):s.start]) {
		return false
	}
	// Exim writes "from [192.0.2.7] (helo=…)": there the address is the client's.
	after := strings.ToLower(flat[s.end:min(len(flat), s.end+len("] (helo"))])
	return after != "] (helo" && after != "] (port" && !strings.HasPrefix(after, "] by ") && !strings.HasPrefix(after, " (ehlo") && !strings.HasPrefix(after, " (helo")
}

var (
	numbered = lazy(`(?i)\b(?:incident|ticket|case|request|reference|ref|issue|support|inquiry)s?[ .-]{0,2}(?:id|no|number|nr|num)?[ .]{0,2}[:#=]{0,2} ?#?([0-9]{5,12})\b`)
	rtStyle  = lazy(`\[[A-Za-z0-9._-]{1,40} ?#([0-9]{3,12})\]`)
	system   = lazy(`\b[a-z]{2,10}:[0-9]{4,12}\b`)
	ourOwn   = lazy(`\bT[A-Z2-7]{10}\b|\bL(?:-[A-Z2-7]{5}){4,8}(?:-[A-Z2-7]{1,4})?\b`)
)

// references are the numbers of incidents, tickets and letters in the text.
func references(flat string) []string {
	found := []string{}
	add := func(s string) {
		if !slices.Contains(found, s) && len(found) < mostReferences {
			found = append(found, s)
		}
	}
	for _, m := range rtStyle.FindAllStringSubmatch(flat, mostReferences) {
		add(m[1])
	}
	for _, m := range numbered.FindAllStringSubmatch(flat, mostReferences) {
		add(m[1])
	}
	for _, m := range system.FindAllString(flat, mostReferences) {
		if _, number, _ := strings.Cut(m, ":"); !slices.Contains(found, number) {
			add(m)
		}
	}
	for _, m := range ourOwn.FindAllString(flat, mostReferences) {
		add(m)
	}
	return found
}
