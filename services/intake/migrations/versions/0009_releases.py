"""intake: releases."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('application', sa.Column('release', sa.Integer(), server_default=sa.text('1'), nullable=False), schema='intake')
    op.add_column('draft', sa.Column('release', sa.Integer(), server_default=sa.text('1'), nullable=False), schema='intake')
    op.add_column('file', sa.Column('release', sa.Integer(), server_default=sa.text('1'), nullable=False), schema='intake')
    op.add_column('parked', sa.Column('needs', sa.Integer(), nullable=True, comment='the release that takes it up by itself, as a number'), schema='intake')


def downgrade() -> None:
    """Takes it back."""
    op.drop_column('parked', 'needs', schema='intake')
    op.drop_column('file', 'release', schema='intake')
    op.drop_column('draft', 'release', schema='intake')
    op.drop_column('application', 'release', schema='intake')
