"""library: audit chain."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('audit_export',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('first', sa.BigInteger(), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('second_by', sa.Text(), nullable=True),
    sa.Column('second_reason', sa.Text(), nullable=True),
    sa.Column('second_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    schema='library'
    )
    op.create_table('audit_head',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    schema='library'
    )
    op.create_table('audit_seal',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('low', sa.BigInteger(), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.Column('seqs', sa.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('digests', sa.LargeBinary(), nullable=False),
    sa.Column('previous', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    schema='library'
    )
    op.create_index('audit_reading', 'audit', ['aggregate_id'], unique=False, schema='library', postgresql_where=sa.text("action = 'reading'"))


def downgrade() -> None:
    """Takes it back."""
    op.drop_index('audit_reading', table_name='audit', schema='library', postgresql_where=sa.text("action = 'reading'"))
    op.drop_table('audit_seal', schema='library')
    op.drop_table('audit_head', schema='library')
    op.drop_table('audit_export', schema='library')
