package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"dnsbld/listing"
)

// failurePage says what went wrong and what to do.
type failurePage struct {
	frame
	Heading, Message, Hint string
}

// retrySoon is after how many seconds what is unavailable may be there.
const retrySoon = "5"

// fail answers with the page of a failure. People see the words of a listing.Error;
// anything else goes to the log.
func (s *Server) fail(v *visit, err error) {
	p := failurePage{frame: s.frame(v, ""), Heading: "Something went wrong", Message: "Something went wrong here.", Hint: "It is not your fault, and it is in our log. Please try again later."}
	status := statusOf(err)
	var told *listing.Error
	switch {
	case errors.As(err, &told):
		p.Heading, p.Message, p.Hint = titles[status], capital(told.Message)+".", capital(told.Hint)+"."
		if says, known := failures[told.Code]; known && v.language.Tag() != "en" {
			p.Message, p.Hint = says[0], says[1]
		}
		switch told.Code {
		case "prefix":
			p.Heading, p.Query = "That is a range", typed(v)
		case "not-an-address":
			p.Query = typed(v)
		}
	case status == http.StatusServiceUnavailable:
		p.Heading, p.Message, p.Hint = titles[status], "The list cannot be looked at just now.", "Please try again in a few seconds."
	default:
		s.parts.Log.Error("answering a page", "path", listing.Quote(v.URL.Path), "err", err)
	}
	if status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", retrySoon)
	}
	s.showFailure(v, status, p)
}

// longestQuery is what the search box takes.
const longestQuery = 60

// typed is what was looked up, to be mended in the search box.
func typed(v *visit) string {
	text := strings.TrimSpace(cmp.Or(v.URL.Query().Get("q"), v.PathValue("address")))
	if len(text) > longestQuery || !utf8.ValidString(text) {
		return ""
	}
	return text
}

// titles are those of failures that people can do something about.
var titles = map[int]string{
	http.StatusBadRequest: "That is not an address", http.StatusNotFound: "There is no such page",
	http.StatusForbidden: "Refused", http.StatusRequestEntityTooLarge: "Too much to read", http.StatusConflict: "Something has changed meanwhile",
	http.StatusServiceUnavailable: "Not just now", http.StatusInternalServerError: "Something went wrong",
}

// failures say an error in other languages: its own words are English, and name what
// was typed.
var failures = map[string][2]string{
	"prefix":           {"That is a range of addresses, and this page is about one address.", "Look up the address that sends your mail: the text of the refusal names it."},
	"not-an-address":   {"That is not an IP address.", "Write it like 192.0.2.7 or 2001:db8::7, without a port and without leading zeros."},
	"several":          {"That names several addresses.", "Look up the one that sends your mail: a refusal names it behind \"client\" or \"your address\"."},
	"domain":           {"That is a domain, and this list holds IP addresses.", "Look up the address of the server that sends your mail: the text of the refusal names it, and so does the topmost Received line of a mail that arrived."},
	"no-such-page":     {"There is no page of this name.", "Look up an address below."},
	"no-such-request":  {"There is no request with this link.", "Copy the whole link from the page or the mail that has it."},
	"no-such-result":   {"There is no such result, or no longer.", "Look the address up: its page says how it stands."},
	"starting":         {"The list is being loaded.", "Please try again in a few seconds."},
	"cross-origin":     {"This request was made by a page of another site.", "Open the page of the address here, and use its form."},
	"too-large":        {"The form holds more than we read.", "Write a shorter note."},
	"bad-form":         {"The form cannot be read.", "Open the page of the address, and use its form."},
	"token-expired":    {"This form is about an earlier state of the listing.", "Open the page of the address again, and use the form there."},
	"token-superseded": {"This form is about an earlier state of the listing.", "Open the page of the address again, and use the form there."},
	"token-forged":     {"This form was not made by our page.", "Open the page of the address again, and use the form there."},
	"token-foreign":    {"This form was not made by our page.", "Open the page of the address again, and use the form there."},
}

// tooMany answers a client that is over its limit.
func (s *Server) tooMany(v *visit, wait time.Duration) {
	s.showFailure(v, http.StatusTooManyRequests, failurePage{frame: s.frame(v, ""), Heading: "Too many requests",
		Message: "Too many requests came from your address.",
		Hint:    v.language.Say("Please try again in %s. Programs should ask DNS, which has no such limit.", (wait + time.Second - 1).Truncate(time.Second))})
}

// showFailure renders the page of a failure, or plain text if even that fails.
func (s *Server) showFailure(v *visit, status int, p failurePage) {
	p.Title = v.language.Word(p.Heading)
	if err := s.render(v, status, "failure", p); err != nil {
		s.parts.Log.Error("making a page", "err", err)
		http.Error(v.w, http.StatusText(status), status)
	}
}
