"""coordinator: initial."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('ask',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('effect', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('owner', sa.Integer(), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='coordinator'
    )
    op.create_index('ask_open', 'ask', ['next_try_at'], unique=False, schema='coordinator', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
    op.create_table('audit',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=True),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    schema='coordinator'
    )
    op.create_table('case',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('application_no', sa.Text(), nullable=False),
    sa.Column('bundle', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('open_count', sa.Integer(), nullable=False),
    sa.Column('requested_unanswered_since', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('application_no'),
    schema='coordinator'
    )
    op.create_index('case_unanswered', 'case', ['requested_unanswered_since'], unique=False, schema='coordinator', postgresql_where='requested_unanswered_since IS NOT NULL')
    op.create_table('idempotency',
    sa.Column('principal', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_hash', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('principal', 'route', 'key'),
    schema='coordinator'
    )
    op.create_table('outbox',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('seq'),
    schema='coordinator'
    )
    op.create_table('parked',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('offset', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('parked_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('seq'),
    schema='coordinator'
    )
    op.create_index('parked_key', 'parked', ['key'], unique=False, schema='coordinator')
    op.create_index('parked_once', 'parked', ['topic', 'partition', 'offset'], unique=True, schema='coordinator')
    op.create_table('stream',
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('topic', 'aggregate_id'),
    schema='coordinator'
    )
    op.create_table('task',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('aggregate_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('matter', sa.Text(), nullable=True),
    sa.Column('application_no', sa.Text(), nullable=True),
    sa.Column('case_id', sa.UUID(), nullable=True),
    sa.Column('item_id', sa.UUID(), nullable=True),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('due', sa.Date(), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason_code', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='coordinator'
    )
    op.create_index('task_aggregate', 'task', ['aggregate_id'], unique=False, schema='coordinator')
    op.create_index('task_holder', 'task', ['holder'], unique=False, schema='coordinator')
    op.create_index('task_list', 'task', ['state', 'due', 'id'], unique=False, schema='coordinator')
    op.create_table('timer',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='coordinator'
    )
    op.create_index('timer_due', 'timer', ['due_at'], unique=False, schema='coordinator')
    op.create_table('unit',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('code'),
    schema='coordinator'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('unit', schema='coordinator')
    op.drop_index('timer_due', table_name='timer', schema='coordinator')
    op.drop_table('timer', schema='coordinator')
    op.drop_index('task_list', table_name='task', schema='coordinator')
    op.drop_index('task_holder', table_name='task', schema='coordinator')
    op.drop_index('task_aggregate', table_name='task', schema='coordinator')
    op.drop_table('task', schema='coordinator')
    op.drop_table('stream', schema='coordinator')
    op.drop_index('parked_once', table_name='parked', schema='coordinator')
    op.drop_index('parked_key', table_name='parked', schema='coordinator')
    op.drop_table('parked', schema='coordinator')
    op.drop_table('outbox', schema='coordinator')
    op.drop_table('idempotency', schema='coordinator')
    op.drop_index('case_unanswered', table_name='case', schema='coordinator', postgresql_where='requested_unanswered_since IS NOT NULL')
    op.drop_table('case', schema='coordinator')
    op.drop_table('audit', schema='coordinator')
    op.drop_index('ask_open', table_name='ask', schema='coordinator', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
    op.drop_table('ask', schema='coordinator')
