"""access: sessions, and links to an outside issuer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('ended_session',
    sa.Column('session', sa.UUID(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('session'),
    schema='access'
    )
    op.create_table('sessions',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSON(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='access'
    )
    op.create_table('outside_link',
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('linked_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('subject'),
    sa.UniqueConstraint('account'),
    schema='access'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('outside_link', schema='access')
    op.drop_table('sessions', schema='access')
    op.drop_table('ended_session', schema='access')
