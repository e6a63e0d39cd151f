"""access: near relatives of staff."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table(
        'relative',
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('person_ref', sa.String(), nullable=False),
        sa.Column('relation', sa.String(), nullable=False),
        sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('declared_by', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('account', 'person_ref'),
        schema='access',
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('relative', schema='access')
