package delist

import (
	"regexp"
	"sync"
)

// expr is a regular expression that is compiled when it is first used. Every
// run of the programs links this package, and few of them read a mail. Its methods
// are those of regexp.Regexp.
type expr struct {
	text     string
	once     sync.Once
	compiled *regexp.Regexp
}

// scanned is told how many octets an expression is about to read. Tests count the
// work of a mail by it; nil: nobody counts.
var scanned func(octets int)

func lazy(text string) *expr { return &expr{text: text} }

// over is the expression, about to read a text.
func (e *expr) over(text string) *regexp.Regexp {
	e.once.Do(func() { e.compiled = regexp.MustCompile(e.text) })
	if scanned != nil {
		scanned(len(text))
	}
	return e.compiled
}

func (e *expr) MatchString(s string) bool              { return e.over(s).MatchString(s) }
func (e *expr) FindString(s string) string             { return e.over(s).FindString(s) }
func (e *expr) FindStringIndex(s string) []int         { return e.over(s).FindStringIndex(s) }
func (e *expr) FindStringSubmatch(s string) []string   { return e.over(s).FindStringSubmatch(s) }
func (e *expr) ReplaceAllString(s, by string) string   { return e.over(s).ReplaceAllString(s, by) }
func (e *expr) FindAllString(s string, n int) []string { return e.over(s).FindAllString(s, n) }

func (e *expr) FindAllStringIndex(s string, n int) [][]int {
	return e.over(s).FindAllStringIndex(s, n)
}

func (e *expr) FindAllStringSubmatch(s string, n int) [][]string {
	return e.over(s).FindAllStringSubmatch(s, n)
}
