package delist

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

//go:embed templates/*.tmpl
var embedded embed.FS

// Letters writes the desk's letters from templates: letter.tmpl is the frame,
// reason-SYMBOL.tmpl the block of a reason, basis-BASIS.tmpl that of reasons
// with that basis which have none of their own, reason-other.tmpl that of all
// others; of-PART.tmpl are parts of such blocks. What a template says is English, and translated by package language.
type Letters struct {
	languages *language.Languages
	sets      map[string]*template.Template // by the tag of a language
}

// NewLetters reads the templates. A file in override stands in place of ours
// of the same name; one in a directory of it that is named by a language, for
// letters in that language. Nil means none. With files of others every template is
// tried, so that a mistake shows now and not when somebody waits for a letter.
func NewLetters(override fs.FS) (*Letters, error) {
	ours, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, fmt.Errorf("reading letter templates: %w", err)
	}
	l := &Letters{sets: map[string]*template.Template{}}
	if l.languages, err = language.Load(override); err != nil {
		return nil, err
	}
	for _, in := range l.languages.All() {
		l.sets[in.Tag()] = l.newSet(in)
		for _, from := range []fs.FS{ours, override} {
			if err := l.add(in, from, "."); err != nil {
				return nil, err
			}
		}
		if err := l.add(in, override, in.Tag()); err != nil {
			return nil, err
		}
	}
	if override == nil {
		return l, nil // our own are tried by a test
	}
	return l, l.try()
}

// translated is a text in a language. One that has no translation may be an operator's.
func translated(in *language.Language, text string) ready {
	if word := in.Word(text); word != text {
		return ready(word)
	}
	return ready(oneLine(text))
}

// enumerate writes "a", "a and b", "a, b and c".
func enumerate(in *language.Language, words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return in.Say("%s and %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

// Languages are those that letters are written in.
func (l *Letters) Languages() *language.Languages {
	if l == nil { // a configuration that is wrong
		return nil
	}
	return l.languages
}

// newSet is a set of templates that speaks a language.
func (l *Letters) newSet(in *language.Language) *template.Template {
	say := func(english string, args ...any) ready {
		for n, a := range args {
			switch a := a.(type) {
			case int, time.Duration:
			case []string:
				args[n] = oneLine(enumerate(in, a))
			default:
				args[n] = printed(a)
			}
		}
		return ready(in.Say(english, args...))
	}
	word := func(english string) ready { return translated(in, english) }
	return template.New("letters").Option("missingkey=error").Funcs(template.FuncMap{
		"printed": printed, "say": say, "word": word,
		"times":   func(n int, thing string) ready { return ready(in.Count(n, thing)) },
		"because": func(r listing.DelistReason) ready { return word(Because(r)) },
		"about":   func(b block) (ready, error) { return l.about(in, b) }})
}

// add reads the templates in a directory.
func (l *Letters) add(in *language.Language, from fs.FS, dir string) error {
	if from == nil {
		return nil
	}
	names, err := fs.Glob(from, path.Join(dir, "*.tmpl"))
	if err != nil {
		return fmt.Errorf("reading letter templates: %w", err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return fmt.Errorf("reading letter template: %w", err)
		}
		t, err := l.sets[in.Tag()].New(strings.TrimSuffix(path.Base(name), ".tmpl")).Parse(string(raw))
		if err != nil {
			return fmt.Errorf("letter template %s: %w", name, err)
		}
		if t.Tree != nil {
			printAll(t.Root)
		}
	}
	return nil
}

// printAll has every action of a template end in "| printed", as html/template
// does it: what strangers wrote is escaped also where a template forgets it.
func printAll(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, inner := range n.Nodes {
			printAll(inner)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier("printed").SetPos(n.Pos)}})
		}
	case *parse.IfNode:
		printAll(n.List)
		printAll(n.ElseList)
	case *parse.WithNode:
		printAll(n.List)
		printAll(n.ElseList)
	case *parse.RangeNode:
		printAll(n.List)
		printAll(n.ElseList)
	}
}

// try executes every template for every decision, diagnosis and outcome, with
// all facts that there can be.
func (l *Letters) try() error {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	host := listing.Subject{Prefix: netip.PrefixFrom(netip.IPv4Unspecified(), 24)}
	e := Evident{Sessions: 1, Samples: []listing.Sample{{Time: day, Receiver: "-", HELO: `\x00`, DNS: "-"}}}
	e.Subject, e.Source, e.PublicNote, e.Level, e.Info = host, "-", "-", 1, listing.ReasonInfo{Basis: listing.BasisHELO, Counted: true}
	f := LetterFacts{Zone: "-", Page: "-", Desk: "-", Probe: "-", Text: "-", Address: host.Addr(), Now: day, EffectiveBy: day.Add(time.Hour),
		Decision: removal.Decision{RetryAfter: &day}, Entries: []Evident{e}, Still: []Evident{e}, Last: &Ended{}, Reference: "-", Ticket: "-", References: []string{"-"},
		Traffic: Traffic{From: day, To: day, Sessions: 2, HELOs: []HELOCount{{}}}, Recipes: "-", Long: true, Finding: &removal.Finding{Time: &day, ListedThen: new(bool), Claims: []removal.Claim{{}}}}
	all := []LetterFacts{f}
	for _, o := range []removal.Outcome{removal.Removed, removal.Withdrawn} {
		ended := f
		ended.Outcome = o
		all = append(all, ended)
	}
	for _, c := range removal.Codes() {
		f.Decision.Code = c
		all = append(all, f)
	}
	for _, d := range sighting.Diagnoses() {
		f.Traffic.Diagnosis = d
		all = append(all, f)
	}
	f.Entries = nil
	all = append(all, f)
	for _, in := range l.languages.All() {
		if err := l.trySet(l.sets[in.Tag()], all, e, in); err != nil {
			return err
		}
	}
	return nil
}

// trySet executes every template of a set.
func (l *Letters) trySet(set *template.Template, all []LetterFacts, e Evident, in *language.Language) error {
	for _, t := range set.Templates() {
		for _, f := range all {
			f.Language = in
			var of any = letter{f, 0}
			switch t.Name() {
			case "ask":
				of = Question{Zone: "-", Desk: "-", Page: "-", Ticket: "-", Candidates: []netip.Addr{f.Address}}
			case "notice":
				of = Notice{Zone: "-", Desk: "-", Page: "-", Follow: "-", Probe: "-", Ticket: "-", Outcome: f.Outcome, Decision: f.Decision, Waits: f.Decision.Code == removal.OKSupport}
			}
			if strings.HasPrefix(t.Name(), "reason-") || strings.HasPrefix(t.Name(), "basis-") || strings.HasPrefix(t.Name(), "of-") {
				of = block{e, letter{f, 0}}
			}
			if err := t.Execute(io.Discard, of); t.Tree != nil && err != nil {
				return fmt.Errorf("letter templates: %w", err)
			}
		}
	}
	return nil
}

// A letter that would be longer leaves out what the page says too, more and more.
const (
	longest     = 45 // lines
	mostTrimmed = 4
)

// Render writes a letter: plain text, no line longer than 72 columns, and not more
// than 45 of them unless it is to be Long. What strangers wrote is ASCII in it.
// It fails with a *listing.Error: code "no-evidence", kind ErrPolicy, when the
// letter would uphold a listing without naming what was seen; code
// "letter-facts", kind ErrInvalid, when the facts contradict each other.
func (l *Letters) Render(f LetterFacts) (string, error) {
	if err := f.check(); err != nil {
		return "", err
	}
	if err := f.Evidence(); err != nil {
		return "", err
	}
	for trim := 0; ; trim++ {
		var out strings.Builder
		if err := l.in(f.Language).ExecuteTemplate(&out, "letter", letter{f, trim}); err != nil {
			return "", fmt.Errorf("writing the letter: %w", err)
		}
		text := fill(out.String())
		if f.Long || trim == mostTrimmed || strings.Count(text, "\n") <= longest {
			return text, nil
		}
	}
}

// in is the set of templates of a language.
func (l *Letters) in(in *language.Language) *template.Template {
	if set, known := l.sets[in.Tag()]; known {
		return set
	}
	return l.sets["en"]
}

// Question is what a letter says that asks which address a mail is about.
type Question struct {
	Zone, Desk, Page, Ticket string
	Reference                string       // of the letter
	Candidates               []netip.Addr // that the mail names; one is no question
	Language                 *language.Language
}

// Named are the candidates as text.
func (q Question) Named() (all []string) {
	for _, a := range q.Candidates {
		all = append(all, a.String())
	}
	return all
}

// Subject is the subject of the mail that carries it.
func (q Question) Subject() string {
	s := q.Language.Say("%s: which address is it about?", oneLine(q.Zone))
	if q.Ticket != "" {
		s += " [" + q.Ticket + "]"
	}
	return s
}

// Ask writes a letter that asks which address a mail is about.
func (l *Letters) Ask(q Question) (string, error) {
	var out strings.Builder
	if err := l.in(q.Language).ExecuteTemplate(&out, "ask", q); err != nil {
		return "", fmt.Errorf("writing the letter: %w", err)
	}
	return fill(out.String()), nil
}

// about writes what a letter says of a listing, by the template of its reason
// or of its basis.
func (l *Letters) about(in *language.Language, b block) (ready, error) {
	name := "reason-other"
	set := l.in(in)
	for _, special := range []string{"reason-" + b.Info.Symbol, "basis-" + string(b.Info.Basis)} {
		if set.Lookup(special) != nil {
			name = special
			break
		}
	}
	var out strings.Builder
	err := set.ExecuteTemplate(&out, name, b)
	return ready(out.String()), err
}

// subjects say a decision in the subject of a mail, after the address and the list.
var subjects = map[removal.Code]string{
	removal.NotListed:      "%s is not listed by %s",
	removal.RateLimit:      "%s and %s: too many requests",
	removal.Network:        "%s and %s: the whole network is listed",
	removal.ManualHold:     "%s and %s: listed by a person",
	removal.Identity:       "%s and %s: the proof is for another address",
	removal.StillOffending: "%s and %s: the last bogus greeting is too recent",
	removal.MixedTraffic:   "%s and %s: something else behind the address",
	removal.RepeatLockout:  "%s and %s: listed again and again",
	removal.ExpiresSoon:    "%s and %s: the listing ends soon by itself",
	removal.NoProof:        "%s and %s: we need a proof",
	removal.OKSupport:      "%s and %s: our support can end the listing",
	removal.OKSelf:         "%s and %s: you can end the listing now",
}

// Subject is the subject of the mail that carries the letter: one line, in words.
func Subject(f LetterFacts) string {
	what := subjects[f.Decision.Code]
	switch {
	case len(f.Still) > 0:
		what = "%s and %s: still listed"
	case f.Outcome == removal.Removed:
		what = "%s and %s: the listing has ended"
	case f.Outcome == removal.Withdrawn:
		what = "%s and %s: the listing has ended, with our apologies"
	}
	s := f.Language.Say(what, f.Address, oneLine(f.Zone))
	if f.Ticket != "" {
		s += " [" + oneLine(f.Ticket) + "]"
	}
	return s
}

// Mention names the templates whose text matches.
func (l *Letters) Mention(re *regexp.Regexp) []string {
	var names []string
	for _, set := range l.sets {
		for _, t := range set.Templates() {
			if t.Tree != nil && re.MatchString(t.Root.String()) && !slices.Contains(names, t.Name()) {
				names = append(names, t.Name())
			}
		}
	}
	slices.Sort(names)
	return names
}
