"""intake: resets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('reset',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('skip', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('second_by', sa.Text(), nullable=True),
    sa.Column('second_reason', sa.Text(), nullable=True),
    sa.Column('moved_from', sa.BigInteger(), nullable=True),
    sa.Column('moved_to', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    schema='intake'
    )
    op.create_index('reset_open', 'reset', ['topic', 'partition'], unique=False, schema='intake', postgresql_where=sa.text("state IN ('proposed', 'wanted')"))


def downgrade() -> None:
    """Takes it back."""
    op.drop_index('reset_open', table_name='reset', schema='intake', postgresql_where=sa.text("state IN ('proposed', 'wanted')"))
    op.drop_table('reset', schema='intake')
