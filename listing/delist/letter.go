package delist

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

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
	set := template.New("letters").Option("missingkey=error").Funcs(template.FuncMap{"times": func(n int, thing string) string { return count(n, thing) }})
	for _, from := range []fs.FS{ours, override} {
		if from == nil {
			continue
		}
		if err := addTemplates(set, from); err != nil {
			return nil, err
		}
	}
	l := &Letters{set}
	return l, l.try()
}

func addTemplates(set *template.Template, from fs.FS) error {
	names, err := fs.Glob(from, "*.tmpl")
	if err != nil {
		return fmt.Errorf("reading letter templates: %w", err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return fmt.Errorf("reading letter template: %w", err)
		}
		if _, err := set.New(strings.TrimSuffix(name, ".tmpl")).Parse(string(raw)); err != nil {
			return fmt.Errorf("letter template %s: %w", name, err)
		}
	}
	return nil
}

// try executes every template for every decision, diagnosis and outcome, with
// all parts of a page filled in.
func (l *Letters) try() error {
	b := block{Sightings: []samplePage{{}}, Sessions: 1, Level: 1, Range: true, Public: "-"}
	full := page{Listed: true, HELO: true, Traffic: &trafficPage{From: "-", To: "-", HELOs: []heloPage{{}}}, Last: &endedPage{},
		Claims: []claimPage{{}}, Reasons: []block{b}, Page: "-", Desk: "-", Probe: "-", Proof: "-", Means: "-", Steps: []string{"-"}, Fixes: []Fix{{}}, Retry: "-", Delay: "-", Then: "-",
		Reference: "-", Ticket: "-", References: "-"}
	pages := []page{full, {Outcome: string(Removed)}, {Outcome: string(Withdrawn)}}
	for _, c := range Codes() {
		full.Decision, full.Listed = string(c), c != NotListed
		pages = append(pages, full)
	}
	for _, d := range sighting.Diagnoses() {
		full.Diagnosis = string(d)
		pages = append(pages, full)
	}
	for _, t := range l.set.Templates() {
		if t.Tree == nil {
			continue
		}
		if err := tryOne(t, b, pages); err != nil {
			return fmt.Errorf("letter templates: %w", err)
		}
	}
	return nil
}

func tryOne(t *template.Template, b block, pages []page) error {
	if strings.HasPrefix(t.Name(), "reason-") || strings.HasPrefix(t.Name(), "basis-") || t.Name() == "sightings" {
		return t.Execute(io.Discard, &b)
	}
	for n := range pages {
		if err := t.Execute(io.Discard, &pages[n]); err != nil {
			return err
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
	p := newPage(f)
	for n := range p.Reasons {
		text, err := l.block(&p.Reasons[n])
		if err != nil {
			return "", err
		}
		p.Reasons[n].Printed = text
	}
	var out strings.Builder
	if err := l.set.ExecuteTemplate(&out, "letter", p); err != nil {
		return "", fmt.Errorf("writing the letter: %w", err)
	}
	return fill(out.String()), nil
}

func (l *Letters) block(b *block) (string, error) {
	name := "reason-other"
	for _, special := range []string{"reason-" + b.Symbol, "basis-" + b.Basis} {
		if l.set.Lookup(special) != nil {
			name = special
			break
		}
	}
	var out strings.Builder
	if err := l.set.ExecuteTemplate(&out, name, b); err != nil {
		return "", fmt.Errorf("writing about %s: %w", b.Symbol, err)
	}
	return out.String(), nil
}

// Subject is the subject of the mail that carries the letter: one line of
// printable ASCII.
func Subject(f LetterFacts) string {
	what := string(f.Decision.Code)
	switch f.Outcome {
	case Removed:
		what = "delisted"
	case Withdrawn:
		what = "delisted, with our apologies"
	}
	s := fmt.Sprintf("%s and %s: %s", f.Address, line(f.Zone), what)
	if f.Ticket != "" {
		s += " [" + line(f.Ticket) + "]"
	}
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }

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
