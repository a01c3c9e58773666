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
	Message, Hint string
}

// retrySoon is after how many seconds what is unavailable may be there.
const retrySoon = "5"

// fail answers with the page of a failure. People see the words of a listing.Error;
// anything else goes to the log.
func (s *Server) fail(v *visit, err error) {
	p := failurePage{frame: s.frame(v.site, "Something went wrong"), Message: "Something went wrong here.", Hint: "It is not your fault, and it is in our log. Please try again later."}
	status := statusOf(err)
	var told *listing.Error
	switch {
	case errors.As(err, &told):
		p.Title, p.Message, p.Hint = titles[status], capital(told.Message)+".", capital(told.Hint)+"."
		switch told.Code {
		case "prefix":
			p.Title, p.Query = "That is a range", typed(v)
		case "not-an-address":
			p.Query = typed(v)
		}
	case status == http.StatusServiceUnavailable:
		p.Title, p.Message, p.Hint = titles[status], "The list cannot be looked at just now.", "Please try again in a few seconds."
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

// tooMany answers a client that is over its limit.
func (s *Server) tooMany(v *visit, wait time.Duration) {
	s.showFailure(v, http.StatusTooManyRequests, failurePage{frame: s.frame(v.site, "Too many requests"),
		Message: "Too many requests came from your address.",
		Hint:    "Please try again in " + span((wait + time.Second - 1).Truncate(time.Second)) + ". Programs should ask DNS, which has no such limit."})
}

// showFailure renders the page of a failure, or plain text if even that fails.
func (s *Server) showFailure(v *visit, status int, p failurePage) {
	if err := s.render(v, status, "failure", p); err != nil {
		s.parts.Log.Error("making a page", "err", err)
		http.Error(v.w, http.StatusText(status), status)
	}
}
