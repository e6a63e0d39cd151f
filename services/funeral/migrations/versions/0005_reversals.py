"""funeral: effects that can be suspended and undone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('settlement_line', sa.Column('state', sa.Text(), server_default='in_force', nullable=False), schema='funeral')
    op.drop_constraint('waived_once', 'settlement_line', schema='funeral')
    op.create_index(
        'waived_once', 'settlement_line', ['person_ref', 'code'], unique=True, schema='funeral',
        postgresql_where=sa.text("state IN ('in_force', 'suspended')"),
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_index('waived_once', table_name='settlement_line', schema='funeral')
    op.create_unique_constraint('waived_once', 'settlement_line', ['person_ref', 'code'], schema='funeral')
    op.drop_column('settlement_line', 'state', schema='funeral')
