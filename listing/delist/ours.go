package delist

import (
	"context"
	"slices"
	"strings"

	"dnsbld/listing/language"
)

// Ours is by what a text is known to speak of this list, or to be ours.
type Ours struct {
	Names     []string            // by which refusals name this list; none: no refusal is another list's
	Languages *language.Languages // of the letters that a reply may quote; nil: English alone
}

// openings are the sentences that letters of ours begin with, the last one those of
// former versions.
var openings = [...][]string{
	{"This is about the address %s, which is on our list %s."},
	{"This is about the address %s: it is not on our list %s."},
	{"This is about the address %s: its listing on %s ended at %s. Our own servers answer accordingly already; others may keep the old answer until %s at the latest."},
	{"This is about the address %s.", "What you asked about ended at %s, but %s is still on our list %s:"},
	{"This is about the address %s, which stood on our list %s. It should not have, and we are sorry."},
	{"This is about the address %s and our list %s. Somebody who gave this mail address asked on our page to have it removed. Here is the answer."},
	{"Thank you for writing to us about mail that was refused. To help, we need to know which address this is about: the IP address of the mail server that was refused."},
	{"Thank you for writing to us about the address %s, which is on"},
}

// signature is what they end with.
const signature = "the support of %s"

// phrase is how a sentence begins, word by word. Empty is what an argument stands in: it
// may be several words.
type phrase []string

// phraseWords is after how many words nobody else begins like that. Senders too write
// "this is about the address".
const phraseWords = 12

func phraseOf(sentence string) phrase {
	words := strings.Fields(sentence)
	p := phrase(words[:min(len(words), phraseWords)])
	for n, word := range p {
		if strings.Contains(word, "%") {
			p[n] = ""
		}
	}
	return p
}

// phrases are how letters of ours begin and end, in every language.
func (o Ours) phrases() (begin, end []phrase) {
	for _, in := range o.Languages.All() {
		for _, sentences := range openings {
			var said []string
			for _, s := range sentences {
				said = append(said, in.Word(s))
			}
			begin = append(begin, phraseOf(strings.Join(said, " ")))
		}
		end = append(end, phraseOf(in.Word(signature)))
	}
	return begin, end
}

// mostOpening is how much of a text is looked at for a phrase.
const mostOpening = 1000

// begins reports whether a text begins so, however its lines are broken and quoted. An
// argument is three words at most, an instant.
func (p phrase) begins(text string) bool {
	const most = 3
	text = text[:min(len(text), mostOpening)]
	more := 0 // words that may still be the argument's
	for n := 0; n < len(p); {
		var word string
		text = strings.TrimLeft(text, " \t\r\n>|")
		word, text = text[:wordEnd(text)], text[wordEnd(text):]
		switch {
		case word == "":
			return false
		case p[n] == "":
			n, more = n+1, most-1
		case strings.EqualFold(word, p[n]):
			n, more = n+1, 0
		case more > 0:
			more--
		default:
			return false
		}
	}
	return true
}

func wordEnd(text string) int {
	if end := strings.IndexAny(text, " \t\r\n"); end >= 0 {
		return end
	}
	return len(text)
}

// apart takes letters of ours out of a text, quoted or not: they are no evidence
// of anything.
func (o Ours) apart(ctx context.Context, text string) (rest, letters string) {
	begin, end := o.phrases()
	found := func(all []phrase, text string) bool {
		return slices.ContainsFunc(all, func(p phrase) bool { return p.begins(text) })
	}
	var out, letter strings.Builder
	inside, quoted, at := false, false, 0
	for line := range strings.Lines(text) {
		if ctx.Err() != nil {
			break
		}
		bare := unquote(line)
		isQuoted := len(bare) < len(line)
		words := strings.TrimSpace(bare)
		switch {
		case inside && quoted && !isQuoted && words != "": // the quotation is over
			inside = false
		case !inside && words != "" && found(begin, text[at:]):
			inside, quoted = true, isQuoted
		}
		at += len(line)
		if !inside {
			out.WriteString(line)
			continue
		}
		letter.WriteString(words + "\n")
		inside = !found(end, words)
	}
	return out.String(), letter.String()
}
