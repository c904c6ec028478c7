package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Record is a row of casnet.records.  No statement here names the tenant's id.
type Record struct {
	ID, Title string
	CreatedAt time.Time
}

// Hit is a row of casnet.search_records().
type Hit struct {
	Record, Title, Snippet string
	Rank                   float64
}

// Page returns the newest records, after the last one of the page before.
func Page(ctx context.Context, tx pgx.Tx, size int, last *Record) ([]Record, error) {
	if last == nil {
		return records(ctx, tx, `SELECT id, title, created_at FROM casnet.records
			ORDER BY created_at DESC, id DESC LIMIT $1`, size)
	}
	return records(ctx, tx, `SELECT id, title, created_at FROM casnet.records
		WHERE (created_at, id) < ($2, $3::uuid)
		ORDER BY created_at DESC, id DESC LIMIT $1`, size, last.CreatedAt, last.ID)
}

// Tagged returns the records that have all these tags.
func Tagged(ctx context.Context, tx pgx.Tx, tags ...string) ([]Record, error) {
	return records(ctx, tx, `SELECT id, title, created_at FROM casnet.records
		WHERE id IN (SELECT casnet.records_tagged(all_of => $1))
		ORDER BY created_at DESC, id DESC`, tags)
}

// Create makes a record with tags, and the tags that are missing.
func Create(ctx context.Context, tx pgx.Tx, title, content string, tags ...string) (id string, err error) {
	err = tx.QueryRow(ctx, "INSERT INTO casnet.records (title, content) VALUES ($1, $2) RETURNING id",
		title, content).Scan(&id)
	if err == nil {
		_, err = tx.Exec(ctx, "SELECT casnet.tag_record($1, VARIADIC $2)", id, tags)
	}
	return id, err
}

// Tags returns the names of the tags of a record.
func Tags(ctx context.Context, tx pgx.Tx, record string) ([]string, error) {
	return texts(ctx, tx, `SELECT t.name FROM casnet.record_tags AS rt
		JOIN casnet.tags AS t ON t.tenant_id = rt.tenant_id AND t.id = rt.tag_id
		WHERE rt.record_id = $1 ORDER BY t.name`, record)
}

// Tasks returns the titles of the tasks of a record.
func Tasks(ctx context.Context, tx pgx.Tx, record string) ([]string, error) {
	return texts(ctx, tx, "SELECT title FROM casnet.tasks WHERE record_id = $1 ORDER BY id", record)
}

// Tag returns the id of a tag, and makes it if it is missing.
func Tag(ctx context.Context, tx pgx.Tx, name string) (id string, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO casnet.tags (name) VALUES ($1)
		ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id`, name).Scan(&id)
	return id, err
}

// Search returns the best hits, after the last one of the page before.
func Search(ctx context.Context, tx pgx.Tx, words string, size int, last *Hit) (hits []Hit, err error) {
	var rank *float64
	var id *string
	if last != nil {
		rank, id = &last.Rank, &last.Record
	}
	rows, err := tx.Query(ctx, `SELECT record_id, title, snippet, rank
		FROM casnet.search_records($1, $2, after_rank => $3, after_id => $4)`, words, size, rank, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
}

func records(ctx context.Context, tx pgx.Tx, sql string, values ...any) ([]Record, error) {
	rows, err := tx.Query(ctx, sql, values...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Record])
}

func texts(ctx context.Context, tx pgx.Tx, sql string, values ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, values...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
