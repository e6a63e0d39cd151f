"""intake: papers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('message',
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False, comment='waiting, sent, failed, covered by another, or expired'),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True, comment='real time: somebody is sending it'),
    sa.PrimaryKeyConstraint('case_id', 'topic'),
    schema='intake'
    )
    op.create_index('message_waiting', 'message', ['due_at'], unique=False, schema='intake', postgresql_where=sa.text("state = 'waiting'"))
    op.create_table('message_attempt',
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('way', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('fate', sa.Text(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('provider_no', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('case_id', 'id'),
    schema='intake'
    )
    op.create_table('paper',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('moment', sa.Text(), nullable=False, comment='what it rests on; what is personal in it is sealed'),
    sa.Column('number', sa.Text(), nullable=True),
    sa.Column('digest', sa.Text(), nullable=True, comment='of the whole content, named with its algorithm'),
    sa.Column('content', sa.Text(), nullable=True, comment='sealed'),
    sa.Column('held', sa.Text(), nullable=True, comment='why it cannot be issued yet'),
    sa.Column('unsealed', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='a seal is still to be had'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number', name='paper_number_once'),
    schema='intake'
    )
    op.create_index('paper_case', 'paper', ['case_id', 'made_at'], unique=False, schema='intake')
    op.create_index('paper_unsealed', 'paper', ['made_at'], unique=False, schema='intake', postgresql_where=sa.text('unsealed'))
    op.create_index('paper_held', 'paper', ['case_id'], unique=False, schema='intake', postgresql_where=sa.text('held IS NOT NULL'))
    op.create_index('paper_waiting', 'paper', ['made_at'], unique=False, schema='intake', postgresql_where=sa.text('number IS NULL AND held IS NULL'))
    op.create_table('paper_delivery',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('paper_id', sa.UUID(), nullable=False),
    sa.Column('case_id', sa.UUID(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('receiver', sa.Text(), nullable=True, comment='sealed'),
    sa.Column('relation', sa.Text(), nullable=True),
    sa.Column('proof_file_id', sa.UUID(), nullable=True),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('effective', sa.Boolean(), nullable=False),
    sa.Column('takes_effect', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='intake'
    )
    op.create_index('paper_delivery_once', 'paper_delivery', ['paper_id'], unique=True, schema='intake', postgresql_where=sa.text('effective'))
    op.create_index('paper_delivery_paper', 'paper_delivery', ['paper_id'], unique=False, schema='intake')
    op.create_table('paper_sequence',
    sa.Column('organ', sa.Text(), nullable=False),
    sa.Column('word', sa.Text(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('organ', 'word', 'year'),
    schema='intake'
    )
    op.create_table('paper_signature',
    sa.Column('paper_id', sa.UUID(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('signer', sa.Text(), nullable=False, comment="an account, `system` for a rule, or a seal's name"),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False, comment='rule, account, seal, handwriting or fingerprint'),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('algorithm', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=True),
    sa.Column('provider_no', sa.Text(), nullable=True),
    sa.Column('witnesses', postgresql.JSON(astext_type=sa.Text()), nullable=True, comment='who saw a fingerprint taken'),
    sa.PrimaryKeyConstraint('paper_id', 'n'),
    schema='intake'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('paper_signature', schema='intake')
    op.drop_table('paper_sequence', schema='intake')
    op.drop_index('paper_delivery_paper', table_name='paper_delivery', schema='intake')
    op.drop_index('paper_delivery_once', table_name='paper_delivery', schema='intake', postgresql_where=sa.text('effective'))
    op.drop_table('paper_delivery', schema='intake')
    op.drop_index('paper_unsealed', table_name='paper', schema='intake', postgresql_where=sa.text('unsealed'))
    op.drop_index('paper_waiting', table_name='paper', schema='intake', postgresql_where=sa.text('number IS NULL AND held IS NULL'))
    op.drop_index('paper_case', table_name='paper', schema='intake')
    op.drop_table('paper', schema='intake')
    op.drop_table('message_attempt', schema='intake')
    op.drop_index('message_waiting', table_name='message', schema='intake', postgresql_where=sa.text("state = 'waiting'"))
    op.drop_table('message', schema='intake')
