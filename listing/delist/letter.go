package delist

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

//go:embed templates/*.tmpl
var embedded embed.FS

// Letters writes the desk's letters from templates: letter.tmpl is the frame,
// reason-SYMBOL.tmpl the block of a reason, basis-BASIS.tmpl that of reasons
// with that basis which have none of their own, reason-other.tmpl that of all
// others.
type Letters struct{ set *template.Template }

// NewLetters reads the templates. A file in override stands in place of ours
// of the same name; nil means none. Every template is tried, so that a mistake
// shows now and not when somebody waits for a letter.
func NewLetters(override fs.FS) (*Letters, error) {
	ours, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, fmt.Errorf("reading letter templates: %w", err)
	}
	l := &Letters{template.New("letters").Option("missingkey=error")}
	l.set.Funcs(template.FuncMap{"printed": printed, "times": count, "because": Because, "about": l.about})
	for _, from := range []fs.FS{ours, override} {
		if from == nil {
			continue
		}
		if err := l.add(from); err != nil {
			return nil, err
		}
	}
	return l, l.try()
}

// add reads the templates in a directory.
func (l *Letters) add(from fs.FS) error {
	names, err := fs.Glob(from, "*.tmpl")
	if err != nil {
		return fmt.Errorf("reading letter templates: %w", err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return fmt.Errorf("reading letter template: %w", err)
		}
		t, err := l.set.New(strings.TrimSuffix(name, ".tmpl")).Parse(string(raw))
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
		Traffic: Traffic{From: day, To: day, Sessions: 2, HELOs: []HELOCount{{}}}, Finding: &removal.Finding{Time: &day, ListedThen: new(bool), Claims: []removal.Claim{{}}}}
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
	for _, t := range l.set.Templates() {
		for _, f := range all {
			var of any = letter{f}
			switch t.Name() {
			case "ask":
				of = Question{Zone: "-", Desk: "-", Page: "-", Ticket: "-", Candidates: []netip.Addr{host.Addr()}}
			case "notice":
				of = Notice{Zone: "-", Desk: "-", Page: "-", Follow: "-", Probe: "-", Ticket: "-", Outcome: f.Outcome, Decision: f.Decision}
			}
			if strings.HasPrefix(t.Name(), "reason-") || strings.HasPrefix(t.Name(), "basis-") || t.Name() == "sightings" {
				of = block{e, f.Address}
			}
			if err := t.Execute(io.Discard, of); t.Tree != nil && err != nil {
				return fmt.Errorf("letter templates: %w", err)
			}
		}
	}
	return nil
}

// Render writes a letter: plain text in ASCII, no line longer than 72 columns.
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
	var out strings.Builder
	if err := l.set.ExecuteTemplate(&out, "letter", letter{f}); err != nil {
		return "", fmt.Errorf("writing the letter: %w", err)
	}
	return fill(out.String()), nil
}

// Question is what a letter says that asks which address a mail is about.
type Question struct {
	Zone, Desk, Page, Ticket string
	Reference                string       // of the letter
	Candidates               []netip.Addr // that the mail names; one is no question
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
	s := oneLine(q.Zone) + ": which address is it about?"
	if q.Ticket != "" {
		s += " [" + q.Ticket + "]"
	}
	return s
}

// Ask writes a letter that asks which address a mail is about.
func (l *Letters) Ask(q Question) (string, error) {
	var out strings.Builder
	if err := l.set.ExecuteTemplate(&out, "ask", q); err != nil {
		return "", fmt.Errorf("writing the letter: %w", err)
	}
	return fill(out.String()), nil
}

// about writes what a letter says of a listing, by the template of its reason
// or of its basis.
func (l *Letters) about(b block) (ready, error) {
	name := "reason-other"
	for _, special := range []string{"reason-" + b.Info.Symbol, "basis-" + string(b.Info.Basis)} {
		if l.set.Lookup(special) != nil {
			name = special
			break
		}
	}
	var out strings.Builder
	err := l.set.ExecuteTemplate(&out, name, b)
	return ready(out.String()), err
}

// Subject is the subject of the mail that carries the letter: one line of
// printable ASCII.
func Subject(f LetterFacts) string {
	what := string(f.Decision.Code)
	switch {
	case len(f.Still) > 0:
		what = "still listed"
	case f.Outcome == removal.Removed:
		what = "delisted"
	case f.Outcome == removal.Withdrawn:
		what = "delisted, with our apologies"
	}
	s := fmt.Sprintf("%s and %s: %s", f.Address, oneLine(f.Zone), what)
	if f.Ticket != "" {
		s += " [" + oneLine(f.Ticket) + "]"
	}
	return s
}

// Mention names the templates whose text matches.
func (l *Letters) Mention(re *regexp.Regexp) []string {
	var names []string
	for _, t := range l.set.Templates() {
		if t.Tree != nil && re.MatchString(t.Root.String()) {
			names = append(names, t.Name())
		}
	}
	slices.Sort(names)
	return names
}
