// Command smtpclient holds SMTP sessions for tests, from whatever address the
// host has: any mail server is told any greeting. It prints the server's last
// reply to each session, a line each, and fails only if there was none.
//
//	smtpclient -from 203.0.113.7 -to 192.0.2.25:25 -helo 192.0.2.25 -rcpt a@rcpt.example -n 3
package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"log"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// session is what is said.
type session struct {
	from, to, verb, helo, auth, sender, rcpt string
	mail                                     bool
}

func main() {
	var s session
	flag.StringVar(&s.from, "from", "", "address to connect from")
	flag.StringVar(&s.to, "to", "", "address and port of the server")
	flag.StringVar(&s.verb, "verb", "EHLO", "EHLO or HELO")
	flag.StringVar(&s.helo, "helo", "", "what follows it")
	flag.StringVar(&s.sender, "sender", "somebody@sender.example", "of the mail")
	flag.StringVar(&s.rcpt, "rcpt", "somebody@rcpt.example", "of the mail")
	flag.StringVar(&s.auth, "auth", "", "USER:PASSWORD to log in with")
	flag.BoolVar(&s.mail, "mail", false, "send a mail to its end, not only to RCPT")
	n := flag.Int("n", 1, "how many sessions")
	flag.Parse()
	for range *n {
		reply, err := s.hold()
		if err != nil {
			log.Fatalf("%+v: %v", s, err)
		}
		fmt.Println(reply)
	}
}

// hold holds one session up to RCPT or the end of a mail, or until the server refuses something.
func (s *session) hold() (reply string, err error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.from)}, Timeout: time.Minute}
	conn, err := d.Dial("tcp", s.to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		return "", err
	}
	c := textproto.NewConn(conn)
	login := ""
	if user, password, some := strings.Cut(s.auth, ":"); some {
		login = "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))
	}
	data, text := "", ""
	if s.mail {
		data, text = "DATA", "Subject: a test\r\n\r\nNothing to see here.\r\n."
	}
	for n, line := range []string{"", s.verb + " " + s.helo, login, "MAIL FROM:<" + s.sender + ">", "RCPT TO:<" + s.rcpt + ">", data, text} {
		if line == "" && n > 0 {
			continue
		}
		if line != "" {
			if err := c.PrintfLine("%s", line); err != nil {
				return "", err
			}
		}
		code, text, err := c.ReadResponse(0)
		if err != nil {
			return "", err
		}
		reply = fmt.Sprintf("%d %s", code, strings.ReplaceAll(text, "\n", " "))
		if code >= 400 {
			break
		}
	}
	if err := c.PrintfLine("QUIT"); err != nil {
		return "", err
	}
	_, _, err = c.ReadResponse(0)
	return reply, err
}
