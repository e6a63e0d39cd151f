"""assistance: initial."""

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
    schema='assistance'
    )
    op.create_index('ask_open', 'ask', ['next_try_at'], unique=False, schema='assistance', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
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
    schema='assistance'
    )
    op.create_table('household_review',
    sa.Column('item_id', sa.UUID(), nullable=False),
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('person_ref', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('due', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('members_before', sa.Integer(), nullable=False),
    sa.Column('members_after', sa.Integer(), nullable=False),
    sa.Column('before_fen', sa.BigInteger(), nullable=False),
    sa.Column('after_fen', sa.BigInteger(), nullable=True),
    sa.Column('from_month', sa.Text(), nullable=True),
    sa.Column('heard_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('law', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('item_id'),
    schema='assistance'
    )
    op.create_index('household_review_person', 'household_review', ['person_ref'], unique=False, schema='assistance')
    op.create_table('idempotency',
    sa.Column('principal', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_hash', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('principal', 'route', 'key'),
    schema='assistance'
    )
    op.create_table('item',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('application_no', sa.Text(), nullable=False),
    sa.Column('matter', sa.Text(), nullable=False),
    sa.Column('person_ref', sa.Text(), nullable=True),
    sa.Column('phase', sa.Text(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='assistance'
    )
    op.create_index('item_application_no', 'item', ['application_no'], unique=False, schema='assistance')
    op.create_index('item_case', 'item', ['case_id'], unique=False, schema='assistance')
    op.create_index('item_open', 'item', ['matter', 'unit'], unique=False, schema='assistance', postgresql_where="phase IN ('open', 'decided')")
    op.create_index('item_person', 'item', ['person_ref', 'matter'], unique=False, schema='assistance')
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
    schema='assistance'
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
    schema='assistance'
    )
    op.create_index('parked_key', 'parked', ['key'], unique=False, schema='assistance')
    op.create_index('parked_once', 'parked', ['topic', 'partition', 'offset'], unique=True, schema='assistance')
    op.create_table('relief',
    sa.Column('item_id', sa.UUID(), nullable=False),
    sa.Column('person_ref', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('hardship_type', sa.Text(), nullable=False),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('item_id'),
    schema='assistance'
    )
    op.create_index('relief_person', 'relief', ['person_ref'], unique=False, schema='assistance')
    op.create_table('settlement',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('item_id', sa.UUID(), nullable=False),
    sa.Column('person_ref', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('lines', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='assistance'
    )
    op.create_index('settlement_item', 'settlement', ['item_id'], unique=False, schema='assistance')
    op.create_table('stop',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('item_id', sa.UUID(), nullable=False),
    sa.Column('person_ref', sa.Text(), nullable=True),
    sa.Column('scheme', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('from_month', sa.Text(), nullable=False),
    sa.Column('monthly_fen', sa.BigInteger(), nullable=False),
    sa.Column('owed_fen', sa.BigInteger(), nullable=False),
    sa.Column('overpaid_fen', sa.BigInteger(), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='assistance'
    )
    op.create_index('stop_item', 'stop', ['item_id'], unique=False, schema='assistance')
    op.create_index('stop_person', 'stop', ['person_ref'], unique=False, schema='assistance')
    op.create_table('stream',
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('topic', 'aggregate_id'),
    schema='assistance'
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
    schema='assistance'
    )
    op.create_index('task_aggregate', 'task', ['aggregate_id'], unique=False, schema='assistance')
    op.create_index('task_holder', 'task', ['holder'], unique=False, schema='assistance')
    op.create_index('task_list', 'task', ['state', 'due', 'id'], unique=False, schema='assistance')
    op.create_table('timer',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='assistance'
    )
    op.create_index('timer_due', 'timer', ['due_at'], unique=False, schema='assistance')
    op.create_table('unit',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('code'),
    schema='assistance'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('unit', schema='assistance')
    op.drop_index('timer_due', table_name='timer', schema='assistance')
    op.drop_table('timer', schema='assistance')
    op.drop_index('task_list', table_name='task', schema='assistance')
    op.drop_index('task_holder', table_name='task', schema='assistance')
    op.drop_index('task_aggregate', table_name='task', schema='assistance')
    op.drop_table('task', schema='assistance')
    op.drop_table('stream', schema='assistance')
    op.drop_index('stop_person', table_name='stop', schema='assistance')
    op.drop_index('stop_item', table_name='stop', schema='assistance')
    op.drop_table('stop', schema='assistance')
    op.drop_index('settlement_item', table_name='settlement', schema='assistance')
    op.drop_table('settlement', schema='assistance')
    op.drop_index('relief_person', table_name='relief', schema='assistance')
    op.drop_table('relief', schema='assistance')
    op.drop_index('parked_once', table_name='parked', schema='assistance')
    op.drop_index('parked_key', table_name='parked', schema='assistance')
    op.drop_table('parked', schema='assistance')
    op.drop_table('outbox', schema='assistance')
    op.drop_index('item_person', table_name='item', schema='assistance')
    op.drop_index('item_open', table_name='item', schema='assistance', postgresql_where="phase IN ('open', 'decided')")
    op.drop_index('item_case', table_name='item', schema='assistance')
    op.drop_index('item_application_no', table_name='item', schema='assistance')
    op.drop_table('item', schema='assistance')
    op.drop_table('idempotency', schema='assistance')
    op.drop_index('household_review_person', table_name='household_review', schema='assistance')
    op.drop_table('household_review', schema='assistance')
    op.drop_table('audit', schema='assistance')
    op.drop_index('ask_open', table_name='ask', schema='assistance', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
    op.drop_table('ask', schema='assistance')
