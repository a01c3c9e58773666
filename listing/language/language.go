// Package language says sentences in the language of who reads them.
//
// The English sentence stands where it is said and is the key of its
// translations, so the code reads as it speaks. A directory named by a language
// holds its words in the file words.txt: a line of English, and below it, behind
// a tab, the same in that language. The built-in languages are tested to say
// everything; an operator's may leave out what it likes, and that stays English.
//
// A sentence is a format of package fmt with the verbs %s and %d. A translation
// has the same ones, in another order by their number: %[2]s.
package language

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed de es
var builtin embed.FS

// wordsFile is the file of a language's words in its directory.
const wordsFile = "words.txt"

// Language says sentences. Nil is English.
type Language struct {
	tag   string
	words map[string]string
}

// Tag names the language as HTML and HTTP do: "de".
func (l *Language) Tag() string {
	if l == nil {
		return "en"
	}
	return l.tag
}

// Word is a sentence without its arguments: the translation, or the English.
func (l *Language) Word(english string) string {
	if l != nil {
		if word, known := l.words[english]; known {
			return word
		}
	}
	return english
}

// Say is a sentence with its arguments. Instants and durations are written for
// people.
func (l *Language) Say(english string, args ...any) string {
	if len(args) == 0 {
		return l.Word(english)
	}
	said := slices.Clone(args)
	for n, a := range said {
		switch a := a.(type) {
		case time.Time:
			said[n] = Stamp(a)
		case time.Duration:
			said[n] = l.Span(a)
		}
	}
	return fmt.Sprintf(l.Word(english), said...)
}

// Count says how many: "1 session", "4 sessions". The sentences are "1 THING" and
// "%d THINGs".
func (l *Language) Count(n int, thing string) string {
	if n == 1 {
		return l.Word("1 " + thing)
	}
	return l.Say("%d "+thing+"s", n)
}

// Stamp writes an instant, the same in every language.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// units are those of spans, the largest first. A span is said in the largest of
// which there are two.
var units = [...]struct {
	length           time.Duration
	span, ahead, ago string
}{
	{24 * time.Hour, "%d days", "in %d days", "%d days ago"},
	{time.Hour, "%d hours", "in %d hours", "%d hours ago"},
	{time.Minute, "%d minutes", "in %d minutes", "%d minutes ago"},
	{time.Second, "%d seconds", "in %d seconds", "%d seconds ago"},
}

// Span says how long.
func (l *Language) Span(d time.Duration) string {
	for _, u := range units {
		if d >= 2*u.length {
			return l.Say(u.span, int(d/u.length))
		}
	}
	return l.Count(int(d/time.Second), "second")
}

// Away says when something is, seen from now and rounded: "in 3 days", "2 hours ago".
func (l *Language) Away(t, now time.Time) string {
	d := t.Sub(now)
	for _, u := range units {
		switch {
		case d >= 2*u.length:
			return l.Say(u.ahead, int(d.Round(u.length)/u.length))
		case -d >= 2*u.length:
			return l.Say(u.ago, int(-d.Round(u.length)/u.length))
		}
	}
	return l.Word("now")
}

// Languages are those that can be spoken: English and others.
type Languages struct{ others []*Language }

// Load reads the built-in languages, and then those in the directories of more,
// whose words stand in place of ours; nil: there are none.
func Load(more fs.FS) (*Languages, error) {
	all := &Languages{}
	for _, from := range []fs.FS{builtin, more} {
		if from == nil {
			continue
		}
		files, err := fs.Glob(from, "*/"+wordsFile)
		if err != nil {
			return nil, fmt.Errorf("looking for languages: %w", err)
		}
		for _, name := range files {
			raw, err := fs.ReadFile(from, name)
			if err == nil {
				err = all.named(path.Dir(name)).read(raw)
			}
			if err != nil {
				return nil, fmt.Errorf("language %s: %w", name, err)
			}
		}
	}
	return all, nil
}

// named finds a language or adds it.
func (s *Languages) named(tag string) *Language {
	l, known := s.Find(tag)
	if !known {
		l = &Language{tag: tag, words: map[string]string{}}
		s.others = append(s.others, l)
	}
	return l
}

// All are the languages, English first. Nil is English alone.
func (s *Languages) All() []*Language {
	if s == nil {
		return []*Language{nil}
	}
	return append([]*Language{nil}, s.others...)
}

// Find is the language of a tag, or the one that its first part names: "de" for
// "de-AT". It is not ok if there is none.
func (s *Languages) Find(tag string) (l *Language, ok bool) {
	for tag = strings.ToLower(strings.TrimSpace(tag)); tag != ""; {
		if tag == "en" {
			return nil, true
		}
		if n := slices.IndexFunc(s.others, func(l *Language) bool { return strings.EqualFold(l.tag, tag) }); n >= 0 {
			return s.others[n], true
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return nil, false
}

// mostAccepted is how many languages of a header are looked at.
const mostAccepted = 20

// Accept is the language that a header asks for first and that there is (RFC
// 9110, section 12.5.4; Content-Language in RFC 3282 has the same form without
// weights); else English.
func (s *Languages) Accept(header string) *Language {
	var best *Language
	weight := 0.0
	for _, part := range strings.SplitN(header, ",", mostAccepted) {
		tag, parameter, weighted := strings.Cut(part, ";")
		q := 1.0
		if weighted {
			var err error
			_, value, _ := strings.Cut(parameter, "=")
			if q, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
				continue
			}
		}
		if l, ok := s.Find(tag); ok && q > weight && q <= 1 {
			best, weight = l, q
		}
	}
	return best
}

// read takes in a file of words.
func (l *Language) read(raw []byte) error {
	english, verb := "", regexp.MustCompile(`%(?:\[(\d)\])?(.?)`)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		word, translated := strings.CutPrefix(line, "\t")
		switch {
		case translated && english == "":
			return fmt.Errorf("line %d: a translation without its English above it", n)
		case translated:
			if err := sameVerbs(verb, english, word); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			l.words[english], english = word, ""
		case english != "":
			return fmt.Errorf("line %d: there is no translation of the line above, behind a tab", n)
		case line != "" && !strings.HasPrefix(line, "#"):
			english = line
		}
	}
	if english != "" {
		return errors.New("the last line has no translation")
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the words: %w", err)
	}
	return nil
}

// sameVerbs fails unless a translation can take the arguments of the English.
func sameVerbs(verb *regexp.Regexp, english, word string) error {
	kinds := func(text string) (all []string) {
		for n, m := range verb.FindAllStringSubmatch(text, -1) {
			if at, err := strconv.Atoi(m[1]); err == nil {
				n = at - 1
			}
			all = append(all, fmt.Sprint(n, m[2]))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	if want, got := kinds(english), kinds(word); !slices.Equal(want, got) {
		return fmt.Errorf("%q has not the same arguments as %q", word, english)
	}
	return nil
}

// Knows reports whether the language says a sentence in words of its own.
func (l *Language) Knows(english string) bool {
	_, known := l.words[english]
	return known
}

// Words are the sentences that the language says, in English.
func (l *Language) Words() []string { return slices.Sorted(maps.Keys(l.words)) }
