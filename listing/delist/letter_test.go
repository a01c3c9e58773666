package delist

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

var update = flag.Bool("update", false, "write the golden letters again")

func letters(t testing.TB) *Letters {
	t.Helper()
	l, err := NewLetters(nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Our own templates can write every letter, in each language.
func TestOwnTemplates(t *testing.T) {
	if err := letters(t).try(); err != nil {
		t.Fatal(err)
	}
}

// greetings are what a sender said who is listed for a reason.
var greetings = map[listing.Reason][]string{
	2: {"192.0.2.7"}, 3: {"198.51.100.10", "198.51.100.11"}, 4: {"rcpt.example", "another.example"}, 5: {"mx1.rcpt.example"},
	6: {"[203.0.113.1]", "[203.0.113.2]", "[203.0.113.3]"}, 7: {"a.sender.example", "b.sender.example"}, 8: {"localhost"}, 9: {"-", ""},
}

// seen is a listing with evidence.
func seen(t testing.TB, r listing.Reason, change ...func(*Listing)) Evident {
	e := Evident{Listing: listed(t, r, change...), Sessions: 12}
	if r == listing.Manual || r == listing.Network || r == listing.Imported {
		e.Sessions = 0
	}
	if r == listing.Network {
		e.Subject = listing.Subject{Prefix: netip.MustParsePrefix("192.0.2.0/24")}
	}
	if r == listing.Imported {
		e.Source, e.Level, e.Origin = "partner-feed", 0, listing.ByImport
	}
	for n, h := range greetings[r] {
		e.Samples = append(e.Samples, listing.Sample{Time: ago(time.Duration(n+3) * time.Hour), Receiver: fmt.Sprintf("mx%d", n+1), HELO: h})
	}
	if r == 12 || r == 13 {
		e.Samples = []listing.Sample{{Time: ago(3 * time.Hour), DNS: map[listing.Reason]string{12: "nxdomain", 13: "old.sender.example is 203.0.113.80"}[r]}}
	}
	return e
}

// facts is a letter's facts for entries and a decision on them.
func facts(code removal.Code, entries ...Evident) LetterFacts {
	f := LetterFacts{
		Zone: "bl.example", Page: "https://bl.example/192.0.2.7", Desk: "desk@bl.example", Address: sender, Now: noon,
		EffectiveBy: in(35 * time.Minute), Entries: entries, Reference: "L-AAAAA-BBBBB-CCCCC-DDDDD-EEE", Ticket: "TABCDEFGHIJ",
		References: []string{"rt:1425832"}, Recipes: "https://bl.example/fix", Probe: "helo+aaaabbbbccccddddeeeeffffgggghhhhiiiijjj@probe.bl.example",
	}
	f.Decision = removal.Decision{Code: code, Sentence: "A sentence for " + string(code) + ".", ChangesWhen: "A change for " + string(code) + "."}
	return f
}

// situations are facts under which a listing meets each decision.
func situations(t testing.TB, r listing.Reason) map[removal.Code]Facts {
	one := func(c ...func(*Listing)) Facts {
		return Facts{Address: sender, Probing: true, Entries: []Listing{seen(t, r, c...).Listing}}
	}
	with := func(f Facts, change func(*Facts)) Facts { change(&f); return f }
	all := map[removal.Code]Facts{}
	for _, f := range []Facts{
		one(), with(one(), func(f *Facts) { f.Requests = []time.Time{noon, noon, noon} }),
		with(one(), func(f *Facts) { f.Offered = Proof{Kind: removal.ProofMail, Address: other, Time: noon} }),
		with(one(level(2)), func(f *Facts) { f.Counters = Counters{LastBogus: ago(3 * time.Hour), Bogus: 12} }),
		with(one(), func(f *Facts) { f.Counters = Counters{LastBogus: ago(3 * time.Hour), Bogus: 12, Clean: 120} }),
		one(level(4)), one(until(in(5 * time.Hour))), one(level(3)), one(selfAt(ago(listing.Day))),
		one(func(l *Listing) { l.Fixed = true }), with(one(func(l *Listing) { l.Fixed = true }), func(f *Facts) { f.Role = Support }),
	} {
		all[Judge(f, noon).Code] = f
	}
	return all
}

// letterFor is a letter's facts for one reason in one situation.
func letterFor(t testing.TB, r listing.Reason, from Facts) LetterFacts {
	e := seen(t, r)
	e.Listing = from.Entries[0]
	d := Judge(from, noon)
	f := facts(d.Code, e)
	f.Decision = d
	f.Traffic = Traffic{From: ago(listing.Day), To: noon, Sessions: 12, Bogus: 12, Account: sighting.Account{Diagnosis: sighting.MisSet}}
	if clean := from.Counters.Clean; clean > 0 {
		f.Traffic.Clean, f.Traffic.Sessions = clean, clean+12
		f.Traffic.Account = sighting.Account{Diagnosis: sighting.SecondHost, Server: "mail.sender.example", Proper: clean, All: true, As: helo.Code(e.Info.Symbol), Bogus: 12}
		f.Traffic.HELOs = []HELOCount{{"mail.sender.example", clean, 0}}
	}
	for _, h := range greetings[r] {
		f.Traffic.HELOs = append(f.Traffic.HELOs, HELOCount{h, 12 / len(greetings[r]), 12 / len(greetings[r])})
	}
	return f
}

// golden holds the letters for one reason: the first whole, of the others what
// the first does not have.
func golden(t *testing.T, name string, printed []string) {
	t.Helper()
	has := map[string]bool{}
	var b strings.Builder
	for n, letter := range printed {
		for line := range strings.Lines(letter) {
			if n == 0 || strings.HasPrefix(line, "=== ") || (!has[line] && strings.TrimSpace(line) != "") {
				b.WriteString(line)
			}
			if n == 0 {
				has[line] = true
			}
		}
	}
	path := filepath.Join("testdata", "letters", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the letters differ from %s (write them anew with -update):\n%s", path, got)
	}
}

// Every reason under every decision that is possible for it.
func TestLetters(t *testing.T) {
	l := letters(t)
	for _, info := range catalogue(t).All() {
		t.Run(info.Symbol, func(t *testing.T) {
			var printed []string
			possible := situations(t, info.Code)
			for _, code := range removal.Codes() {
				from, ok := possible[code]
				if !ok {
					continue
				}
				f := letterFor(t, info.Code, from)
				text, err := l.Render(f)
				if err != nil {
					t.Fatalf("%s: %v", code, err)
				}
				wellFormed(t, text)
				truthful(t, f, text)
				printed = append(printed, "=== "+string(code)+"\n"+text)
				f.Long = true
				if text, err = l.Render(f); err != nil {
					t.Fatal(err)
				}
				shaped(t, text)
				translatedIn(t, l, f, from)
			}
			for _, o := range []removal.Outcome{removal.Removed, removal.Withdrawn} {
				f := letterFor(t, info.Code, Facts{Address: sender, Entries: []Listing{seen(t, info.Code).Listing}})
				f.Outcome = o
				text, err := l.Render(f)
				if err != nil {
					t.Fatalf("%s: %v", o, err)
				}
				wellFormed(t, text)
				truthful(t, f, text)
				printed = append(printed, "=== "+string(o)+"\n"+text)
				for _, in := range l.Languages().All()[1:] {
					f.Language = in
					inLanguage(t, l, f)
				}
			}
			golden(t, info.Symbol, printed)
		})
	}
}

func TestLetterNotListed(t *testing.T) {
	f := facts(removal.NotListed)
	f.Decision = Judge(Facts{Address: sender}, noon)
	info, _ := catalogue(t).Info(listing.BareIP)
	var printed []string
	for _, last := range []*Ended{{info, ago(5 * listing.Day), ago(2 * listing.Day), listing.AutoHeal}, nil} {
		f.Last = last
		text, err := letters(t).Render(f)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, text)
		truthful(t, f, text)
		printed = append(printed, "=== "+fmt.Sprint(last != nil)+"\n"+text)
	}
	golden(t, "not-listed", printed)
}

// A letter says what the counters mean.
func TestLetterDiagnosis(t *testing.T) {
	bogus := HELOCount{"192.0.2.7", 12, 12}
	clean := HELOCount{"mail.sender.example", 120, 0}
	names := []HELOCount{{"rcpt.example", 3, 3}, {"another.example", 3, 3}}
	many := []HELOCount{{"pc1", 3, 3}, {"pc2", 3, 3}, {"pc3", 3, 0}, {"pc4", 3, 0}, bogus}
	var printed []string
	for _, c := range []Traffic{
		{Sessions: 12, Bogus: 12, HELOs: []HELOCount{bogus}, Account: sighting.Account{Diagnosis: sighting.MisSet}},
		{Sessions: 132, Bogus: 12, Clean: 120, HELOs: []HELOCount{clean, bogus},
			Account: sighting.Account{Diagnosis: sighting.SecondHost, Server: clean.HELO, Proper: 120, All: true, As: helo.CodeOurIP, Bogus: 12}},
		{Sessions: 6, Bogus: 6, HELOs: names, Account: sighting.Account{Diagnosis: sighting.FollowsRecipient}},
		{Sessions: 30, Bogus: 12, Clean: 3, HELOs: many, Account: sighting.Account{Diagnosis: sighting.ManyNames}},
		{Sessions: 4, Bogus: 4, HELOs: []HELOCount{bogus}, Account: sighting.Account{Diagnosis: sighting.CannotTell}},
		{},
	} {
		f := facts(removal.OKSelf, seen(t, listing.BareIP))
		f.Traffic = c
		text, err := letters(t).Render(f)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, text)
		truthful(t, f, text)
		printed = append(printed, "=== "+string(c.Diagnosis)+"\n"+text)
	}
	golden(t, "diagnosis", printed)
}

// The letter to the sender of 2006: the evidence is taken piece by piece.
func TestLetterEvidence(t *testing.T) {
	file, err := os.Open("testdata/support-case-2006.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	finding, err := Triage(context.Background(), file, Ours{})
	if err != nil {
		t.Fatal(err)
	}
	e := seen(t, listing.BareIP)
	e.Subject = listing.HostSubject(*finding.Address)
	e.Samples[0].HELO = finding.Address.String()
	f := facts(removal.MixedTraffic, e)
	yes := true
	finding.ListedThen = &yes
	f.Address, f.Finding, f.References, f.Page = *finding.Address, &finding, finding.References, "https://bl.example/"+finding.Address.String()
	f.Traffic = Traffic{From: ago(listing.Day), To: noon, Sessions: 132, Bogus: 12, Clean: 120, HELOs: []HELOCount{
		{"mail.mnjtech.com", 120, 0}, {finding.Address.String(), 12, 12}}, Account: sighting.Account{Diagnosis: sighting.SecondHost, Server: "mail.mnjtech.com", Proper: 120, All: true, As: helo.CodeBareIP, Bogus: 12}}
	f.Decision = Judge(Facts{Address: f.Address, Entries: []Listing{e.Listing}, Counters: Counters{LastBogus: ago(3 * time.Hour), Bogus: 12, Clean: 120}, Probing: true}, noon)
	text, err := letters(t).Render(f)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, text)
	golden(t, "evidence", []string{text})
	var others []string
	for _, in := range letters(t).Languages().All()[1:] {
		f.Language = in
		f.Decision = Judge(Facts{Address: f.Address, Entries: []Listing{e.Listing}, Counters: Counters{LastBogus: ago(3 * time.Hour), Bogus: 12, Clean: 120}, Probing: true, Language: in}, noon)
		others = append(others, "=== "+in.Tag()+"\n"+inLanguage(t, letters(t), f))
	}
	golden(t, "languages", others)
}

// An operator listed it, and gave what he saw: the letter does not say in one place that
// nothing was counted and what was counted in another.
func TestLetterOfAnOperatorsEvidence(t *testing.T) {
	e := seen(t, listing.BareIP, func(l *Listing) { l.Origin, l.Word = listing.ByOperator, true })
	e.Sessions = 5
	f := facts(removal.NoProof, e)
	var printed []string
	for _, in := range letters(t).Languages().All() {
		f.Language = in
		f.Decision = Judge(Facts{Address: sender, Entries: []Listing{e.Listing}, Probing: true, Language: in}, noon)
		text, err := letters(t).Render(f)
		if err != nil || f.Decision.Code != removal.NoProof {
			t.Fatalf("%s, %v", f.Decision.Code, err)
		}
		printed = append(printed, "=== "+in.Tag()+"\n"+text)
	}
	golden(t, "by-operator", printed)
}

// Proper greetings do not show whose an address is: a letter that asks for that does not
// offer them.
func TestLetterOffersGreetingsAsProof(t *testing.T) {
	for _, c := range []struct {
		code removal.Code
		word bool
		want bool
	}{{removal.NoProof, false, true}, {removal.NoProof, true, false}, {removal.Identity, true, false}, {removal.RateLimit, false, false}} {
		f := facts(c.code, seen(t, listing.BareIP, func(l *Listing) { l.Word = c.word }))
		f.Probe, f.Text = "", ""
		for _, f.Page = range []string{"", "https://bl.example/192.0.2.7"} {
			text, err := letters(t).Render(f)
			if err != nil {
				t.Fatal(err)
			}
			text = strings.Join(strings.Fields(text), " ")
			if got := strings.Contains(text, "Properly greeted sessions"); got != c.want || !strings.Contains(text, "request that comes from the listed address itself") {
				t.Errorf("%s, on somebody's word %t: greetings are proof: %t\n%s", c.code, c.word, got, text)
			}
		}
	}
}

// Of what a feed lists, for whatever reason, and of what a person listed by hand we
// know no cause that could list it again, and so there is no threat.
func TestLetterThreatensOnlyForAKnownCause(t *testing.T) {
	for _, c := range []struct {
		reason listing.Reason
		source string
		threat bool
	}{{listing.BareIP, "", true}, {listing.RcptBogus, "", true}, {listing.BareIP, "partner-feed", false}, {listing.Manual, "", false}} {
		e := seen(t, c.reason)
		e.Source = c.source
		f := facts(removal.OKSelf, e)
		for _, o := range []removal.Outcome{removal.Stands, removal.Removed} {
			f.Outcome = o
			text, err := letters(t).Render(f)
			if err != nil {
				t.Fatal(err)
			}
			says := strings.Contains(strings.Join(strings.Fields(text), " "), "listed again")
			if watched := o == removal.Removed && e.Info.Basis != listing.BasisHELO; says != (c.threat && !watched) || f.Cause() != c.threat {
				t.Errorf("%s of %q, %s: threatens %t:\n%s", e.Info.Symbol, c.source, o, says, text)
			}
		}
	}
}

// Each reason's own facts: without one of them the letter does not render.
func TestLetterNeedsEvidence(t *testing.T) {
	l := letters(t)
	drop := map[string]func(*Evident){
		"no sample":   func(e *Evident) { e.Samples = nil },
		"no greeting": func(e *Evident) { e.Samples[0].HELO, e.Samples = "", e.Samples[:1] },
		"no time":     func(e *Evident) { e.Samples[0].Time, e.Samples = time.Time{}, e.Samples[:1] },
		"no receiver": func(e *Evident) { e.Samples[0].Receiver, e.Samples = "", e.Samples[:1] },
		"no count":    func(e *Evident) { e.Sessions = 0 },
		"no end":      func(e *Evident) { e.Until = time.Time{} },
	}
	for r := listing.Reason(2); r <= 9; r++ {
		for name, without := range drop {
			if r == 9 && name == "no greeting" {
				continue // nothing after the verb is what is listed there
			}
			for _, by := range []listing.Origin{listing.ByThreshold, listing.ByOperator} {
				e := seen(t, r)
				e.Origin = by
				without(&e)
				for _, code := range []removal.Code{removal.OKSelf, removal.OKSupport, removal.StillOffending, removal.RateLimit} {
					f := facts(code, e)
					text, err := l.Render(f)
					if codeOf(err) != "no-evidence" || !errors.Is(err, listing.ErrPolicy) || text != "" {
						t.Errorf("%d %s, %s, %s: %v", r, name, by, code, err)
					}
					if d := Sustain(f.Decision, f); d.Code != removal.OKSupport {
						t.Errorf("%d %s: the decision stays %s", r, name, d.Code)
					}
				}
				for _, o := range []removal.Outcome{removal.Removed, removal.Withdrawn} {
					f := facts(removal.OKSupport, e)
					f.Outcome = o
					if text, err := l.Render(f); err != nil || !strings.Contains(text, " ended ") {
						t.Errorf("%d %s: %s: %v", r, name, o, err)
					}
				}
			}
		}
		if f := facts(removal.StillOffending, seen(t, r)); Sustain(f.Decision, f).Code != removal.StillOffending {
			t.Errorf("%d: evidence is there, and the decision changed", r)
		}
	}
	imported := seen(t, listing.Imported)
	imported.Source = ""
	if _, err := l.Render(facts(removal.OKSelf, imported)); codeOf(err) != "no-evidence" {
		t.Errorf("imported from nowhere: %v", err)
	}
}

func TestLetterContradictions(t *testing.T) {
	e := seen(t, listing.BareIP)
	for name, f := range map[string]LetterFacts{
		"not listed, with a listing":  facts(removal.NotListed, e),
		"listed, without one":         facts(removal.OKSelf),
		"a network without its entry": facts(removal.Network, e),
		"a hold without its entry":    facts(removal.ManualHold, e),
		"an unpublished code":         facts("BECAUSE", e),
		"nothing":                     {},
		"removed, but nothing was":    func() LetterFacts { f := facts(removal.OKSelf); f.Outcome = removal.Removed; return f }(),
		"removed, but DNS knows no end": func() LetterFacts {
			f := facts(removal.OKSelf, e)
			f.Outcome, f.EffectiveBy = removal.Removed, time.Time{}
			return f
		}(),
	} {
		if _, err := letters(t).Render(f); codeOf(err) != "letter-facts" || !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Text of strangers stays words on a line.
func TestLetterHostileBytes(t *testing.T) {
	evil := "{{.Zone}}\r\nBcc: all@rcpt.example\n\x1b[2J\xff\u202e" + strings.Repeat("x", 400)
	e := seen(t, listing.BareIP, func(l *Listing) { l.PublicNote, l.Source = evil, evil })
	e.Samples[0].HELO, e.Samples[0].Receiver = evil, evil
	f := facts(removal.OKSelf, e)
	f.Ticket, f.References, f.Probe, f.Page, f.Desk, f.Zone = evil, []string{evil}, evil, evil, evil, evil
	f.Traffic = Traffic{Sessions: 9, Bogus: 9, HELOs: []HELOCount{{evil, 9, 9}}}
	finding, err := Triage(context.Background(), strings.NewReader("Received: from "+evil+" ("+evil+" [192.0.2.7]) by x; 550 5.7.1 blocked using "+evil), Ours{})
	if err != nil {
		t.Fatal(err)
	}
	f.Finding = &finding
	text, err := letters(t).Render(f)
	if err != nil {
		t.Fatal(err)
	}
	shaped(t, text)
	// A letter opens with an empty second line: nothing in it can be taken for a header.
	if !strings.Contains(text, "{{.Zone}} Bcc:") || !strings.HasPrefix(text, "Hello,\n\n") || !strings.Contains(text, `"{{.Zone}}\x0d\x0aBcc:`) {
		t.Errorf("a stranger's words became more than words:\n%s", text)
	}
	if s := Subject(f); listing.Printable(s) != s {
		t.Errorf("subject %q", s)
	}
}

func TestLettersOverride(t *testing.T) {
	own := fstest.MapFS{"closing.tmpl": {Data: []byte("Greetings from {{.Zone}}")}, "reason-trap.tmpl": {Data: []byte("A trap for {{.Address}}.")}}
	l, err := NewLetters(own)
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Render(facts(removal.OKSupport, seen(t, 100)))
	if err != nil || !strings.HasSuffix(text, "Greetings from bl.example\n") || !strings.Contains(text, "A trap for 192.0.2.7.") {
		t.Errorf("%s\n%v", text, err)
	}
	careless, err := NewLetters(fstest.MapFS{"closing.tmpl": {Data: []byte("{{with .References}}{{range .}}{{.}}{{end}}{{end}}")}})
	if err != nil {
		t.Fatal(err)
	}
	f := facts(removal.OKSupport, seen(t, 100))
	f.References = []string{"one\nTwo: \x1b"}
	if text, err := careless.Render(f); err != nil || !strings.HasSuffix(text, "one Two: \\x1b\n") {
		t.Errorf("a template let a stranger's octets through: %q, %v", text, err)
	}
	for name, bad := range map[string]string{"syntax": "{{", "a field that is not there": "{{.Secret}}", "no template": `{{template "nowhere"}}`,
		"in one case alone": `{{if eq .Decision.Code "MIXED_TRAFFIC"}}{{.Secret}}{{end}}`} {
		if _, err := NewLetters(fstest.MapFS{"closing.tmpl": {Data: []byte(bad)}}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// translatedIn renders a letter in every other language, and holds it to the length. An
// English sentence in it is one that a template does not say.
func translatedIn(t *testing.T, l *Letters, f LetterFacts, from Facts) {
	t.Helper()
	for _, in := range l.Languages().All()[1:] {
		from.Language, f.Language, f.Long = in, in, false
		f.Decision = Judge(from, noon)
		inLanguage(t, l, f)
	}
}

// inLanguage renders one.
func inLanguage(t *testing.T, l *Letters, f LetterFacts) string {
	t.Helper()
	text, err := l.Render(f)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%s: a line of %d columns: %s", f.Language.Tag(), n, line)
		}
	}
	if n := strings.Count(text, "\n"); n > longest {
		t.Errorf("%s: %d lines:\n%s", f.Language.Tag(), n, text)
	}
	for _, english := range []string{" the ", "%!", "<no value>"} {
		if strings.Contains(text, english) {
			t.Errorf("%s says %q:\n%s", f.Language.Tag(), english, text)
		}
	}
	if rest, own := (Ours{Languages: l.Languages()}).apart(t.Context(), "Bitte\n\n> "+strings.ReplaceAll(text, "\n", "\n> ")); own == "" || strings.Contains(rest, f.Page) {
		t.Errorf("%s: our own letter is not known again:\n%s", f.Language.Tag(), rest)
	}
	if s := Subject(f); strings.Contains(s, string(f.Decision.Code)) || strings.Contains(s, "listed") {
		t.Errorf("%s: subject %q", f.Language.Tag(), s)
	}
	return text
}

// wellFormed holds for every letter.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	shaped(t, text)
	if n := strings.Count(text, "\n"); n > longest {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// shaped holds for letters of any length, in English.
func shaped(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > columns {
			t.Errorf("a line of %d columns: %s", n, line)
		}
		if plain := strings.ReplaceAll(line, "×", "x"); listing.Printable(plain) != plain || strings.TrimRight(line, " ") != line {
			t.Errorf("line %q", line)
		}
	}
	low := strings.ToLower(text)
	for _, never := range []string{"virus", "<no value>", "%!", "1132", "not been set", "pay", "\n\n\n", "sessionss", " ,", " .\n"} {
		if strings.Contains(low, never) {
			t.Errorf("a letter says %q:\n%s", never, text)
		}
	}
}

var (
	stamps = regexp.MustCompile(`\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC`)
	quads  = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?`)
)

// truthful holds if a letter names no time, address or greeting but those in
// its facts, and all greetings that are in them.
func truthful(t *testing.T, f LetterFacts, text string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	given := fmt.Sprint(f.Decision.Sentence, f.Decision.ChangesWhen, f.Page)
	times := []time.Time{f.Now, f.EffectiveBy, f.Traffic.From, f.Traffic.To}
	if f.Decision.RetryAfter != nil {
		times = append(times, *f.Decision.RetryAfter)
	}
	if f.Last != nil {
		times = append(times, f.Last.Since, f.Last.Till)
	}
	known := []string{f.Address.String()}
	for _, e := range f.Entries {
		times = append(times, e.Since, e.Until)
		known = append(known, e.Subject.String(), netip.AddrFrom4([4]byte{127, 0, 0, byte(e.Reason)}).String())
		for _, s := range e.Samples {
			times = append(times, s.Time)
			given += " " + s.HELO + " " + s.DNS
			if e.Info.Basis == listing.BasisHELO && f.Upholds() && !strings.Contains(flat, `"`+s.HELO+`"`) {
				t.Errorf("the greeting %q is not in the letter", s.HELO)
			}
		}
	}
	for _, h := range f.Traffic.HELOs {
		given += " " + h.HELO
	}
	for _, s := range stamps.FindAllString(flat, -1) {
		if !slices.ContainsFunc(times, func(x time.Time) bool { return stamp(x) == s }) && !strings.Contains(given, s) {
			t.Errorf("the letter names the time %s, which is none of its facts", s)
		}
	}
	for _, q := range quads.FindAllString(flat, -1) {
		if !slices.Contains(known, q) && !strings.Contains(given, q) && !strings.Contains("4.1.1.1", q) {
			t.Errorf("the letter names the address %s, which is none of its facts", q)
		}
	}
}
