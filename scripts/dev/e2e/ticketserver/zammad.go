package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// zammadState is what Zammad has, in the words of its API.
type zammadState struct {
	Tickets  []zammadTicket    `json:"tickets"`
	Articles []zammadArticle   `json:"articles"`
	Plain    map[string]string `json:"plain"` // mails as they came, by article
}

type zammadTicket struct {
	ID     int    `json:"id"`
	Number string `json:"number"`
	Title  string `json:"title"`
}

type zammadArticle struct {
	ID          int            `json:"id,omitempty"`
	TicketID    int            `json:"ticket_id"`
	From        string         `json:"from,omitempty"`
	To          string         `json:"to,omitempty"`
	Subject     string         `json:"subject"`
	Body        string         `json:"body"`
	ContentType string         `json:"content_type"`
	Type        string         `json:"type"`
	Sender      string         `json:"sender"`
	Internal    bool           `json:"internal"`
	MessageID   *string        `json:"message_id,omitempty"`
	InReplyTo   string         `json:"in_reply_to,omitempty"`
	Preferences map[string]any `json:"preferences,omitempty"`
}

// zammad is its REST API, as far as https://docs.zammad.org/en/latest/api describes
// tickets and articles.
func (s *server) zammad() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/tickets/{id}", s.zammadRead(func(st *zammadState, id string) (any, bool) {
		for _, t := range st.Tickets {
			if fmt.Sprint(t.ID) == id {
				return t, true
			}
		}
		return nil, false
	}))
	mux.HandleFunc("GET /api/v1/ticket_articles/by_ticket/{id}", s.zammadRead(func(st *zammadState, id string) (any, bool) {
		articles := []zammadArticle{}
		for _, a := range st.Articles {
			if fmt.Sprint(a.TicketID) == id {
				articles = append(articles, a)
			}
		}
		return articles, true
	}))
	mux.HandleFunc("GET /api/v1/ticket_article_plain/{id}", s.zammadRead(func(st *zammadState, id string) (any, bool) {
		return []byte(st.Plain[id]), true
	}))
	mux.HandleFunc("POST /api/v1/ticket_articles", s.zammadAdd)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		violation(w, http.StatusNotFound, "no such request: "+r.Method+" "+r.URL.Path)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Token token="+s.secret {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "Invalid token!"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *server) zammadRead(find func(*zammadState, string) (any, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var st zammadState
		var v any
		found := false
		if err := s.update(&st, func() error { v, found = find(&st, r.PathValue("id")); return nil }); err != nil {
			violation(w, http.StatusInternalServerError, err.Error())
			return
		}
		switch plain, isPlain := v.([]byte); {
		case !found:
			answer(w, http.StatusNotFound, map[string]string{"error": "Couldn't find Ticket"})
		case isPlain && len(plain) == 0:
			w.WriteHeader(http.StatusNoContent)
		case isPlain:
			w.Header().Set("Content-Type", "message/rfc822")
			_, _ = w.Write(plain)
		default:
			answer(w, http.StatusOK, v)
		}
	}
}

func (s *server) zammadAdd(w http.ResponseWriter, r *http.Request) {
	var st zammadState
	var a zammadArticle
	err := strict(r, &a)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		violation(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	err = s.update(&st, func() error {
		for _, t := range st.Tickets {
			if t.ID == a.TicketID {
				a.ID = 1000 + len(st.Articles)
				a.From = "Delisting desk"
				st.Articles = append(st.Articles, a)
				return nil
			}
		}
		return errNotFound
	})
	if err != nil {
		violation(w, http.StatusNotFound, err.Error())
		return
	}
	answer(w, http.StatusCreated, a)
}

func (a zammadArticle) check() error {
	switch {
	case a.ID != 0 || a.From != "" || a.MessageID != nil || a.Preferences != nil:
		return errors.New("an article is created with a field that Zammad sets")
	case a.Body == "" || a.Subject == "" || a.ContentType != "text/plain" || a.Sender != "Agent":
		return fmt.Errorf("an article of an agent in plain text is wanted: %+v", a)
	case a.Type == "email" && (a.Internal || !strings.Contains(a.To, "@")):
		return fmt.Errorf("a mail goes to somebody: %+v", a)
	case a.Type == "note" && (!a.Internal || a.To != ""):
		return fmt.Errorf("a note is internal: %+v", a)
	case a.Type != "email" && a.Type != "note":
		return errors.New("an article of type " + a.Type)
	}
	return nil
}
