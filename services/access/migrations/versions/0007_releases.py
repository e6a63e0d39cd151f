"""access: releases."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('node', sa.Column('release', sa.Integer(), server_default=sa.text('1'), nullable=False), schema='access')
    op.add_column('sessions', sa.Column('release', sa.Integer(), server_default=sa.text('1'), nullable=False), schema='access')
    op.add_column('parked', sa.Column('needs', sa.Integer(), nullable=True, comment='the release that takes it up by itself, as a number'), schema='access')


def downgrade() -> None:
    """Takes it back."""
    op.drop_column('parked', 'needs', schema='access')
    op.drop_column('sessions', 'release', schema='access')
    op.drop_column('node', 'release', schema='access')
