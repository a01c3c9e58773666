package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// Looked is the answer of /api/v1/ip/{ip}. Times are RFC 3339, UTC.
type Looked struct {
	IP          string           `json:"ip"` // in the form in which it is listed
	Listed      bool             `json:"listed"`
	Entries     []LookedEntry    `json:"entries"` // strongest first
	Eligibility removal.Decision `json:"eligibility"`
	CheckedAt   time.Time        `json:"checked_at"`
}

// LookedEntry is one reason under which an address is listed.
type LookedEntry struct {
	Prefix string         `json:"prefix"` // of the entry
	Reason string         `json:"reason"`
	Code   listing.Reason `json:"code"` // the last octet of the DNS answer
	Since  *time.Time     `json:"since"`
	Until  time.Time      `json:"until"`
	Text   string         `json:"text"` // as in TXT
	HELO   []string       `json:"helo"` // printable ASCII, the newest first, 5 at the most
	Bogus  int            `json:"bogus"`
	Clean  int            `json:"clean"` // sessions of the address in 30 days
}

// jsonError is how a failure is answered.
type jsonError struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	} `json:"error"`
}

// api serves programs.
func (s *Server) api(h handler) http.Handler {
	return s.count(pageAPI, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(w, r)
		v.language = nil // programs read English, whatever they say
		err := error(nil)
		if wait := v.over(v.site.api, lookupCost); wait > 0 {
			s.failJSON(v, http.StatusTooManyRequests, &listing.Error{Code: "rate-limited",
				Message: "too many requests came from your address", Hint: "try again in " + seconds(wait) + " s; for bulk lookups ask DNS"})
			return
		}
		if err = h(v); err != nil {
			s.failJSON(v, statusOf(err), err)
		}
	}))
}

// lookupJSON says of an address what its page says.
func (s *Server) lookupJSON(v *visit) error {
	a, err := parseAddress(v.PathValue("ip"))
	if err != nil {
		return err
	}
	l, err := s.look(v, a, v.now)
	if err != nil {
		return err
	}
	return s.reply(v, http.StatusOK, l.looked(v.site))
}

// looked is the information in the form of the API. Lists are never null, so that
// programs can go through them.
func (l *addressInfo) looked(site *site) Looked {
	out := Looked{IP: l.address.String(), Listed: l.listed(), Entries: make([]LookedEntry, 0, len(l.about.Entries)),
		Eligibility: l.decision, CheckedAt: l.now.Truncate(time.Second)}
	for _, e := range l.about.Entries {
		row := LookedEntry{Prefix: e.Subject.String(), Reason: e.Info.Symbol, Code: e.Reason, Until: e.Until,
			Text: site.Reasons.TXT(e.Reason, e.Subject, e.PublicNote, site.Page), HELO: append([]string{}, l.greetings(e)...),
			Bogus: l.about.Counted.Bogus, Clean: l.about.Counted.Clean}
		if !e.Since.IsZero() {
			row.Since = &e.Since
		}
		out.Entries = append(out.Entries, row)
	}
	return out
}

// noSuchJSON answers whatever else is asked for under /api/.
func noSuchJSON(*visit) error {
	return &listing.Error{Kind: listing.ErrNotFound, Code: "no-such-page", Message: "there is nothing here", Hint: "the API is /api/v1/ip/ADDRESS"}
}

// reply sends a value as JSON. It is encoded before the status is sent, so that a
// failure can still be told.
func (s *Server) reply(v *visit, status int, what any) error {
	body := buffer()
	defer release(body)
	if err := json.NewEncoder(body).Encode(what); err != nil {
		return err
	}
	send(v.w, status, "application/json", body)
	return nil
}

// failJSON answers with an error. What is no listing.Error is ours to look at: it
// goes to the log, and the client learns no more than that.
func (s *Server) failJSON(v *visit, status int, err error) {
	var out jsonError
	out.Error.Code, out.Error.Message = "internal", "something went wrong here"
	if e, ok := errors.AsType[*listing.Error](err); ok {
		out.Error.Code, out.Error.Message, out.Error.Hint = e.Code, e.Message, e.Hint
	} else if status == http.StatusServiceUnavailable {
		out.Error.Code, out.Error.Message = "unavailable", "the list cannot be looked at just now"
	} else {
		s.parts.Log.Error("answering a lookup", "err", err)
	}
	if status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", retrySoon)
	}
	if err := s.reply(v, status, out); err != nil {
		send(v.w, http.StatusInternalServerError, "application/json", new(bytes.Buffer))
	}
}
