"""marriage: ended sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('ended_session',
    sa.Column('session', sa.UUID(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('session'),
    schema='marriage'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('ended_session', schema='marriage')
