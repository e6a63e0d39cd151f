"""coordinator: what the bus refused, and positions."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('position',
    sa.Column('bus', sa.Text(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('partition', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('bus', 'topic', 'partition'),
    schema='coordinator'
    )
    op.add_column('outbox', sa.Column('refused', sa.Text(), nullable=True, comment='why the bus did not take it, or that one before it of its key was not taken'), schema='coordinator')
    op.create_index('outbox_refused', 'outbox', ['topic', 'key'], unique=False, schema='coordinator', postgresql_where=sa.text('refused IS NOT NULL'))


def downgrade() -> None:
    """Takes it back."""
    op.drop_index('outbox_refused', table_name='outbox', schema='coordinator', postgresql_where=sa.text('refused IS NOT NULL'))
    op.drop_column('outbox', 'refused', schema='coordinator')
    op.drop_table('position', schema='coordinator')
