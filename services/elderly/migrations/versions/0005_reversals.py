"""elderly: effects that can be suspended and undone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('stop', sa.Column('state', sa.Text(), server_default='in_force', nullable=False), schema='elderly')


def downgrade() -> None:
    """Takes it back."""
    op.drop_column('stop', 'state', schema='elderly')
