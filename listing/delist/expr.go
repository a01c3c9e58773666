package delist

import (
	"regexp"
	"sync"
)

// expr is a regular expression that is compiled when it is first used. Every
// run of the programs links this package, and few of them read a mail.
type expr struct {
	text     string
	once     sync.Once
	compiled *regexp.Regexp
}

func lazy(text string) *expr { return &expr{text: text} }

func (e *expr) get() *regexp.Regexp {
	e.once.Do(func() { e.compiled = regexp.MustCompile(e.text) })
	return e.compiled
}
