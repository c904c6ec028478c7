"""Notes on records.  The key and the foreign key have the tenant, so that no note is about
a record of another tenant; protect() does the rest."""
from alembic import op
import sqlalchemy as sa

revision = '0001'
down_revision = None


def upgrade():
    op.create_table(
        'notes',
        sa.Column('id', sa.Uuid, server_default=sa.text('casnet.uuid_v7()'), nullable=False),
        sa.Column('record_id', sa.Uuid, nullable=False),
        sa.Column('tenant_id', sa.Uuid, nullable=False),
        sa.Column('author_id', sa.Uuid, server_default=sa.text('casnet.current_user_id()')),
        sa.Column('body', sa.Text, nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('tenant_id', 'id'),
        sa.CheckConstraint("body ~ '[^[:space:]]'", name='notes_body_check'),
        schema='app')
    op.create_index('notes_tenant_id_record_id_idx', 'notes', ['tenant_id', 'record_id'], schema='app')
    op.create_foreign_key('notes_record_id_tenant_id_fkey', 'notes', 'records',
                          ['record_id', 'tenant_id'], ['id', 'tenant_id'], ondelete='CASCADE',
                          source_schema='app', referent_schema='casnet')
    op.execute("SELECT casnet.protect('app.notes')")


def downgrade():
    op.execute("SELECT casnet.unprotect('app.notes')")
    op.drop_table('notes', schema='app')
