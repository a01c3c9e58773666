package main

import (
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strings"
)

// osticketState is what osTicket has taken, by its ticket's number.
type osticketState struct {
	Agents  []string        `json:"agents"`
	Entries []osticketEntry `json:"entries"`
}

type osticketEntry struct {
	Number  string `json:"number"`
	Kind    string `json:"kind"` // message or note
	From    string `json:"from"`
	ID      string `json:"id"` // Message-ID
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// osticket is its API for piped mail: POST /api/tickets.email as setup/scripts/
// automail.php sends it. A mail that was seen is not taken twice, one that answers
// another or names a ticket belongs to it, one of an agent is a note.
func (s *server) osticket() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/api/tickets.email" || r.URL.RawQuery != "":
			violation(w, http.StatusNotFound, "no such request: "+r.Method+" "+r.URL.String())
			return
		case r.Header.Get("X-API-Key") != s.secret:
			http.Error(w, "Valid API key required", http.StatusUnauthorized)
			return
		}
		m, err := mail.ReadMessage(r.Body)
		if err != nil {
			violation(w, http.StatusBadRequest, err.Error())
			return
		}
		number, err := s.osticketTake(m)
		if err != nil {
			violation(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, number)
	})
}

func (s *server) osticketTake(m *mail.Message) (number string, err error) {
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return "", err
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	if err != nil {
		return "", err
	}
	e := osticketEntry{Kind: "message", From: from.Address, ID: m.Header.Get("Message-ID"), Subject: m.Header.Get("Subject"), Body: string(body)}
	var st osticketState
	err = s.update(&st, func() error {
		for _, known := range st.Entries {
			if known.ID == e.ID {
				e.Number = known.Number
				return nil
			}
			if known.ID == m.Header.Get("In-Reply-To") || strings.Contains(e.Subject, "[#"+known.Number+"]") {
				e.Number = known.Number
			}
		}
		if e.Number == "" {
			e.Number = fmt.Sprint(100001 + len(st.Entries))
		}
		for _, agent := range st.Agents {
			if agent == e.From {
				e.Kind = "note"
			}
		}
		st.Entries = append(st.Entries, e)
		return nil
	})
	return e.Number, err
}
