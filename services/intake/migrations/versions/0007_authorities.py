"""intake: where a case is handled beside the place that received it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('application', sa.Column('handled_in', sa.Text(), nullable=True), schema='intake')


def downgrade() -> None:
    """Takes it back."""
    op.drop_column('application', 'handled_in', schema='intake')
