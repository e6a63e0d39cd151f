"""intake: initial."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('application',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('application_no', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('applicant_ref', sa.Text(), nullable=False),
    sa.Column('subject_ref', sa.Text(), nullable=True),
    sa.Column('applicant_name', sa.Text(), nullable=False),
    sa.Column('subject_name', sa.Text(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('query_code', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('application_no', name='application_number'),
    schema='intake'
    )
    op.create_index('application_applicant', 'application', ['applicant_ref'], unique=False, schema='intake')
    op.create_index('application_applicant_name', 'application', ['applicant_name'], unique=False, schema='intake')
    op.create_index('application_received', 'application', ['received_at', 'id'], unique=False, schema='intake')
    op.create_index('application_subject', 'application', ['subject_ref'], unique=False, schema='intake')
    op.create_index('application_subject_name', 'application', ['subject_name'], unique=False, schema='intake')
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
    schema='intake'
    )
    op.create_index('ask_open', 'ask', ['next_try_at'], unique=False, schema='intake', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
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
    schema='intake'
    )
    op.create_table('definition',
    sa.Column('sha', sa.String(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('effective', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('sha'),
    schema='intake'
    )
    op.create_table('draft',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='intake'
    )
    op.create_index('draft_owner', 'draft', ['owner'], unique=False, schema='intake')
    op.create_table('holding',
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('whose', sa.String(), nullable=False),
    sa.Column('matter', sa.String(), nullable=False),
    sa.Column('application_no', sa.String(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('blocks', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('item_id', 'whose'),
    schema='intake'
    )
    op.create_index('holding_once', 'holding', ['matter', 'whose'], unique=True, schema='intake', postgresql_where=sa.text('blocks'))
    op.create_index('holding_whose', 'holding', ['whose', 'matter'], unique=False, schema='intake')
    op.create_table('idempotency',
    sa.Column('principal', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_hash', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('principal', 'route', 'key'),
    schema='intake'
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
    schema='intake'
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
    schema='intake'
    )
    op.create_index('parked_key', 'parked', ['key'], unique=False, schema='intake')
    op.create_index('parked_once', 'parked', ['topic', 'partition', 'offset'], unique=True, schema='intake')
    op.create_table('sequence',
    sa.Column('region', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('region', 'day'),
    schema='intake'
    )
    op.create_table('stream',
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('topic', 'aggregate_id'),
    schema='intake'
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
    schema='intake'
    )
    op.create_index('task_aggregate', 'task', ['aggregate_id'], unique=False, schema='intake')
    op.create_index('task_holder', 'task', ['holder'], unique=False, schema='intake')
    op.create_index('task_list', 'task', ['state', 'due', 'id'], unique=False, schema='intake')
    op.create_table('timeline',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('text_zh', sa.String(), nullable=False),
    sa.Column('text_en', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('case_id', 'seq'),
    schema='intake'
    )
    op.create_table('timer',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('aggregate_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='intake'
    )
    op.create_index('timer_due', 'timer', ['due_at'], unique=False, schema='intake')
    op.create_table('unit',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('code'),
    schema='intake'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('unit', schema='intake')
    op.drop_index('timer_due', table_name='timer', schema='intake')
    op.drop_table('timer', schema='intake')
    op.drop_table('timeline', schema='intake')
    op.drop_index('task_list', table_name='task', schema='intake')
    op.drop_index('task_holder', table_name='task', schema='intake')
    op.drop_index('task_aggregate', table_name='task', schema='intake')
    op.drop_table('task', schema='intake')
    op.drop_table('stream', schema='intake')
    op.drop_table('sequence', schema='intake')
    op.drop_index('parked_once', table_name='parked', schema='intake')
    op.drop_index('parked_key', table_name='parked', schema='intake')
    op.drop_table('parked', schema='intake')
    op.drop_table('outbox', schema='intake')
    op.drop_table('idempotency', schema='intake')
    op.drop_index('holding_whose', table_name='holding', schema='intake')
    op.drop_index('holding_once', table_name='holding', schema='intake', postgresql_where=sa.text('blocks'))
    op.drop_table('holding', schema='intake')
    op.drop_index('draft_owner', table_name='draft', schema='intake')
    op.drop_table('draft', schema='intake')
    op.drop_table('definition', schema='intake')
    op.drop_table('audit', schema='intake')
    op.drop_index('ask_open', table_name='ask', schema='intake', postgresql_where=sa.text("state IN ('open', 'in_doubt')"))
    op.drop_table('ask', schema='intake')
    op.drop_index('application_subject_name', table_name='application', schema='intake')
    op.drop_index('application_subject', table_name='application', schema='intake')
    op.drop_index('application_received', table_name='application', schema='intake')
    op.drop_index('application_applicant_name', table_name='application', schema='intake')
    op.drop_index('application_applicant', table_name='application', schema='intake')
    op.drop_table('application', schema='intake')
