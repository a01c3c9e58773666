package desk

import (
	"dnsbld/listing/removal"
)

// The nouns of the desk, under the names that this package works with.
type (
	Step      = removal.Action
	Verb      = removal.Verb
	Query     = removal.Query
	Letter    = removal.Letter
	Done      = removal.Answer
	Ways      = removal.Ways
	ProbeMail = removal.ProbeMail
	Person    = removal.Person
)

// The verbs.
const (
	Note   = removal.VerbNote
	Ask    = removal.VerbAsk
	Grant  = removal.VerbGrant
	Deny   = removal.VerbDeny
	Appeal = removal.VerbAppeal
	Close  = removal.VerbClose
)
