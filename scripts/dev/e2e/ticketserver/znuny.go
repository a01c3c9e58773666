package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

type znunyState struct {
	Tickets []znunyTicket
}

type znunyTicket struct {
	TicketID     string
	TicketNumber string
	Article      []znunyArticle
}

// znunyArticle is one as TicketGet gives it and TicketUpdate takes it.
type znunyArticle struct {
	ArticleID             any    `json:",omitempty"`
	From                  string `json:",omitempty"`
	To                    string `json:",omitempty"`
	ReplyTo               string `json:",omitempty"`
	Subject               string
	Body                  string
	MessageID             string `json:",omitempty"`
	SenderType            string
	IsVisibleForCustomer  any
	Charset               string
	MimeType              string
	CommunicationChannel  string `json:",omitempty"`
	ArticleSend           int    `json:",omitempty"`
	AppendSignatureToBody *int   `json:",omitempty"`
	HistoryType           string `json:",omitempty"`
	HistoryComment        string `json:",omitempty"`
}

const znunySession = "a session/&+"

// znuny is its sample web service GenericTicketConnectorREST: the routes of the YAML
// file that comes with Znuny, and what the operations' documentation says. Errors
// come with status 200.
func (s *server) znuny() http.Handler {
	const service = "/znuny/nph-genericinterface.pl/Webservice/GenericTicketConnectorREST"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+service+"/Session", func(w http.ResponseWriter, r *http.Request) {
		var login struct{ UserLogin, Password string }
		if err := strict(r, &login); err != nil {
			violation(w, http.StatusInternalServerError, err.Error())
			return
		}
		if login.UserLogin != "dnsbl-desk" || login.Password != s.secret {
			znunyError(w, "SessionCreate.AuthFail")
			return
		}
		answer(w, http.StatusOK, map[string]string{"SessionID": znunySession})
	})
	mux.HandleFunc("GET "+service+"/Ticket/{id}", func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			violation(w, http.StatusInternalServerError, "a GET with a body")
			return
		}
		want := url.Values{"SessionID": {znunySession}, "AllArticles": {"1"}}
		if got := r.URL.Query(); got.Encode() != want.Encode() {
			znunyError(w, "TicketGet.AuthFail")
			return
		}
		var st znunyState
		err := s.update(&st, func() error {
			t, err := st.ticket(r.PathValue("id"))
			if err == nil {
				answer(w, http.StatusOK, map[string]any{"Ticket": []znunyTicket{*t}})
			}
			return err
		})
		if err != nil {
			znunyError(w, "TicketGet.AccessDenied")
		}
	})
	mux.HandleFunc("PATCH "+service+"/Ticket/{id}", s.znunyUpdate)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		violation(w, http.StatusNotFound, "no such request: "+r.Method+" "+r.URL.Path)
	})
	return mux
}

func (st *znunyState) ticket(id string) (*znunyTicket, error) {
	for n := range st.Tickets {
		if st.Tickets[n].TicketID == id {
			return &st.Tickets[n], nil
		}
	}
	return nil, errNotFound
}

func znunyError(w http.ResponseWriter, code string) {
	answer(w, http.StatusOK, map[string]any{"Error": map[string]string{"ErrorCode": code, "ErrorMessage": code}})
}

func (s *server) znunyUpdate(w http.ResponseWriter, r *http.Request) {
	var c struct {
		SessionID string
		Article   znunyArticle
	}
	err := strict(r, &c)
	if err == nil {
		err = c.Article.check()
	}
	switch {
	case err != nil:
		violation(w, http.StatusOK, err.Error())
		return
	case c.SessionID != znunySession || r.URL.RawQuery != "":
		znunyError(w, "TicketUpdate.AuthFail")
		return
	}
	var st znunyState
	err = s.update(&st, func() error {
		t, err := st.ticket(r.PathValue("id"))
		if err != nil {
			return err
		}
		c.Article.ArticleID = fmt.Sprint(1000 + len(t.Article))
		c.Article.Body = strings.TrimSpace(c.Article.Body)
		t.Article = append(t.Article, c.Article)
		answer(w, http.StatusOK, map[string]any{"TicketID": t.TicketID, "ArticleID": c.Article.ArticleID})
		return nil
	})
	if err != nil {
		znunyError(w, "TicketUpdate.AccessDenied")
	}
}

func (a znunyArticle) check() error {
	visible := fmt.Sprint(a.IsVisibleForCustomer) == "1"
	if a.Subject == "" || a.Body == "" || a.MimeType != "text/plain" || a.Charset != "utf-8" || a.SenderType != "agent" || a.ArticleID != nil || a.From != "" {
		return fmt.Errorf("an article of an agent in plain text is wanted: %+v", a)
	}
	if !slices.Contains([]string{"SendAnswer", "AddNote"}, a.HistoryType) {
		return errors.New("there is no HistoryType " + a.HistoryType)
	}
	switch a.CommunicationChannel {
	case "Internal":
		if visible || a.ArticleSend != 0 || a.To != "" {
			return fmt.Errorf("a note is for agents: %+v", a)
		}
	case "Email":
		if _, err := mail.ParseAddress(a.To); err != nil || !visible || a.ArticleSend != 1 {
			return fmt.Errorf("a mail goes to somebody: %+v: %w", a, err)
		}
	default:
		return errors.New("CommunicationChannel is " + a.CommunicationChannel)
	}
	return nil
}
