package listing

import (
	"errors"
	"net/http"
)

// Failure is what the doors that speak HTTP say of a kind of failure.
type Failure struct {
	Kind   error
	Status int
	Code   string // of an error that brings none of its own
}

// Failures is the one mapping between kinds of failure and HTTP: those who answer go
// from left to right, those who asked from right to left.
type Failures []Failure

// FailuresAnd are the kinds that every door may meet, and a door's own.
func FailuresAnd(own ...Failure) Failures {
	return append(Failures{
		{ErrInvalid, http.StatusBadRequest, "invalid"},
		{ErrNotFound, http.StatusNotFound, "not-found"},
		{ErrPolicy, http.StatusForbidden, "refused"},
		{ErrConflict, http.StatusConflict, "conflict"},
		{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	}, own...)
}

// Of is what is said of an error; one that is of no kind is the server's fault.
func (all Failures) Of(err error) Failure {
	for _, f := range all {
		if errors.Is(err, f.Kind) {
			return f
		}
	}
	return Failure{Status: http.StatusInternalServerError, Code: "failed"}
}

// Kind is what a status was made from; nil: no kind.
func (all Failures) Kind(status int) error {
	for _, f := range all {
		if f.Status == status {
			return f.Kind
		}
	}
	return nil
}
