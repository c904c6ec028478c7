package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Proof is how the application says who the user is.
type Proof string

const (
	// UserID: a user whom this backend has authenticated (casnet_authenticator).
	UserID Proof = "SELECT set_config('casnet.user_id', $1, true), casnet.use_tenant($2, true)"
	// Token: what casnet.login() or an issuer made (casnet_user).
	Token Proof = "SELECT casnet.sign_in($1, true), casnet.use_tenant($2, true)"
)

var (
	// ErrSignIn means that nobody is signed in, or no longer.
	ErrSignIn = errors.New("sign in")
	// ErrForbidden means that the user may not do that.
	ErrForbidden = errors.New("forbidden")
)

// Refused is what the server refused, in words for the person.
type Refused struct {
	Message, Hint, Code string
}

func (r *Refused) Error() string { return r.Message }

// Is makes errors.Is(err, ErrForbidden) work.
func (r *Refused) Is(target error) bool {
	switch r.Code {
	case "28000", "28P01":
		return target == ErrSignIn
	case "42501":
		return target == ErrForbidden
	}
	return false
}

// Cases is a pool of connections to the cases.
type Cases struct {
	pool  *pgxpool.Pool
	proof Proof
}

// Open makes a pool for a role.
func Open(ctx context.Context, role string, size int32, proof Proof) (*Cases, error) {
	config, err := pgxpool.ParseConfig("") // from PGHOST, PGPORT, PGDATABASE
	if err != nil {
		return nil, err
	}
	config.ConnConfig.User = role
	config.MaxConns = size
	// No request waits for this.  A connection that cannot be cleared is closed.
	config.AfterRelease = func(conn *pgx.Conn) bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, "SELECT casnet.sign_out()")
		return err == nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return &Cases{pool, proof}, err
}

// Close closes all connections.
func (c *Cases) Close() { c.pool.Close() }

// As is one transaction as a user in a tenant; both end with it.
func (c *Cases) As(ctx context.Context, who, tenant string, work func(pgx.Tx) error) error {
	return c.Transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, string(c.proof), who, tenant); err != nil {
			return err
		}
		return work(tx)
	})
}

// Transaction is one in which nobody is signed in, for login() and find_user().
func (c *Cases) Transaction(ctx context.Context, work func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, c.pool, work)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return &Refused{refused.Message, refused.Hint, refused.Code}
	}
	return err
}
