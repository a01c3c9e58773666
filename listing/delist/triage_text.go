package delist

import (
	"bytes"
	"errors"
	"html"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the charsets that mail comes in

	"dnsbld/listing/removal"
)

// Limits on what is read of a mail, whatever it claims to be.
const (
	maxMail  = 1 << 20   // octets
	maxPart  = 256 << 10 // of the text in it, and of a part of it
	maxFlat  = 64 << 10  // of that text, flattened
	maxOwn   = 16 << 10  // of the words of who wrote it
	maxDepth = 5         // of mails within mails
	maxParts = 100
)

// readAll reads at most maxMail octets and reports whether there were more.
func readAll(r io.Reader) (raw []byte, cut bool, err error) {
	raw, err = io.ReadAll(io.LimitReader(r, maxMail+1))
	if len(raw) > maxMail {
		return raw[:maxMail], true, err
	}
	return raw, false, err
}

// letterbox is a mail taken apart: its own header, and the text of all that is
// in it.
type letterbox struct {
	mail   bool // it is a mail, not just text
	header message.Header
	outer  string // its own Received lines
	text   strings.Builder
	parts  int
}

// open takes a mail apart. What is no mail is text.
func open(raw []byte) *letterbox {
	box := &letterbox{}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) || !isMail(e.Header) {
		box.text.WriteString(loosen(string(raw[:min(len(raw), maxPart)])))
		return box
	}
	box.mail, box.header = true, e.Header
	hops := e.Header.Values("Received")
	for _, v := range hops[:min(len(hops), maxClaims)] {
		box.outer += "Received: " + v[:min(len(v), maxHop)] + "\n"
	}
	if subject, err := e.Header.Text("Subject"); err == nil && subject != "" {
		box.text.WriteString("Subject: " + subject + "\n\n")
	}
	box.part(e, 0)
	return box
}

// isMail tells a mail from text that begins with something like a header. What
// says that a program sent it is taken at its word.
func isMail(h message.Header) bool {
	for _, name := range []string{removal.LoopHeader, "Auto-Submitted", "Precedence", "List-Id"} {
		if h.Has(name) {
			return true
		}
	}
	return h.Has("From") && (h.Has("Date") || h.Has("Message-Id") || h.Has("To") || h.Has("Received") || h.Has("Subject"))
}

// part adds the text of one part.
func (box *letterbox) part(e *message.Entity, depth int) {
	if box.parts++; box.parts > maxParts || depth > maxDepth {
		return
	}
	kind, params, err := e.Header.ContentType()
	if err != nil {
		kind = "text/plain"
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		box.multipart(e, kind, params["boundary"], depth)
	case kind == "text/html":
		box.add(stripHTML(limited(e.Body)))
	case kind == "message/rfc822", kind == "message/global":
		box.enclosed(e.Body, depth)
	case strings.HasPrefix(kind, "text/"), strings.HasPrefix(kind, "message/"):
		box.add(loosen(limited(e.Body)))
	}
}

func (box *letterbox) add(text string) {
	if box.text.Len() < maxPart {
		box.text.WriteString(text)
		box.text.WriteString("\n")
	}
}

// multipart adds its parts; of alternatives the plainest that says anything.
func (box *letterbox) multipart(e *message.Entity, kind, boundary string, depth int) {
	mr := e.MultipartReader()
	if mr == nil || boundary == "" {
		box.add(loosen(limited(e.Body)))
		return
	}
	for box.parts <= maxParts {
		part, err := mr.NextPart()
		if part == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
			return
		}
		before := box.text.Len()
		box.part(part, depth+1)
		if kind == "multipart/alternative" && strings.TrimSpace(box.text.String()[before:]) != "" {
			return
		}
	}
}

// enclosed adds a mail within a mail, its header first.
func (box *letterbox) enclosed(body io.Reader, depth int) {
	raw := limited(body)
	e, err := message.Read(strings.NewReader(raw))
	if e == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
		box.add(loosen(raw))
		return
	}
	for f := e.Header.Fields(); f.Next(); {
		box.add(f.Key() + ": " + f.Value())
	}
	box.add("")
	box.part(e, depth+1)
}

// limited reads a body; what cannot be decoded ends it.
func limited(r io.Reader) string {
	raw, err := io.ReadAll(io.LimitReader(r, maxPart))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && len(raw) == 0 {
		return ""
	}
	return string(raw)
}

var (
	softBreak = lazy(`=\r?\n`)
	softByte  = lazy(`=(?:3D|20|C2=A0|0A|0D)`)
	markup    = lazy(`(?i)<(?:html|body|br|p|div|span|table|td|font|pre|b)\b[^<>]{0,500}>|&(?:lt|gt|nbsp);`)
)

// loosen undoes what happens to text that was copied out of a mail program
// with its encoding.
func loosen(text string) string {
	if len(softBreak.FindAllStringIndex(text, 2)) > 1 || len(softByte.FindAllStringIndex(text, 2)) > 1 {
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text))); err == nil {
			text = string(plain)
		}
	}
	if strings.ContainsAny(text, "<&") && markup.MatchString(text) {
		text = stripHTML(text)
	}
	return text
}

var (
	hidden   = lazy(`(?is)<(script|style|title)\b[^>]*>.*?</(?:script|style|title)\s*>|<!--.*?-->`)
	breaking = lazy(`(?i)</?(?:br|p|div|tr|li|table|h[1-6]|pre|hr|blockquote)\b[^<>]*>`)
	tag      = lazy(`(?i)</?(?:[a-z][a-z0-9]{0,15}|[ovw]:[a-z]+)(?:\s[^<>]*)?/?>|<![^<>]*>`)
)

// stripHTML leaves the words. A mailbox in angle brackets is no tag.
func stripHTML(text string) string {
	text = hidden.ReplaceAllString(text, " ")
	text = breaking.ReplaceAllString(text, "\n")
	text = tag.ReplaceAllString(text, "")
	return html.UnescapeString(text)
}

var (
	// spacedQuad is an address as it is typed from a screen.
	spacedQuad = lazy(`\b(\d{1,3}) \. (\d{1,3}) \. (\d{1,3}) \. (\d{1,3})\b`)

	invisible = strings.NewReplacer("\u00a0", " ", "\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "", "\u00ad", "", "\r", "", "*", " ", "\u2013", "-", "\u2014", "-")
)

// unquote is a line without the marks of a quotation.
func unquote(line string) string {
	marks := line[:len(line)-len(strings.TrimLeft(line, " \t>|"))]
	end := strings.LastIndexAny(marks, ">|") + 1
	if end > 0 && end < len(marks) { // a blank follows
		end++
	}
	return line[end:]
}

// flatten is text as one line: quote marks, emphasis and line breaks are gone,
// wherever a mail program has put them.
func flatten(text string) string {
	var words []string
	for line := range strings.Lines(invisible.Replace(text)) {
		words = append(words, strings.Fields(unquote(line))...)
	}
	flat := strings.Join(words, " ")
	if strings.Contains(flat, " . ") {
		flat = spacedQuad.ReplaceAllString(flat, "$1.$2.$3.$4")
	}
	return flat
}
